"""Owns the probe of a time server (SNTP, RFC 5905): it answers, knows the time itself, and how far that is from ours.

Our request carries a random number where its time would stand, and only an answer that repeats it is believed.
"""

import struct
from dataclasses import dataclass

from agents.services import metrics
from agents.services.datagrams import ask
from agents.services.probe import Found, Target, Tools
from agents.services.trouble import Failed, Trouble, not_understood
from beket.kernel.clock import NS_PER_S
from beket.kernel.text import Text, say

PACKET_BYTES = 48
REQUEST_MODE = 0x23  # version 4, client
SERVER_MODE = 4
NEVER_SET = 3  # the leap indicator of a clock that is not synchronised
STRATUM_MAX = 15
# Pictures and letters of one day are compared by the second.
OFFSET_MAX_S = 2.0
_UNIX_EPOCH_S = 2_208_988_800  # from 1900
_ERA_S = 1 << 32


@dataclass(frozen=True, slots=True)
class ServerTime:
    """What a server said: when our question came, when its answer left (its own wall time), and its distance."""

    received_ns: int
    sent_ns: int
    stratum: int


async def probe_time_server(target: Target, tools: Tools) -> Found:
    """Ask for the time; see `probe.Probe`."""
    clock = tools.clock
    asked: dict[bytes, int] = {}

    def question() -> bytes:
        token = tools.rng.randbytes(8)
        asked[token] = clock.wall_ns()
        return bytes([REQUEST_MODE]) + bytes(PACKET_BYTES - 9) + token

    came_ns: list[int] = []

    def is_wanted(data: bytes) -> bool:
        came_ns[:] = [clock.wall_ns()]
        return data[24:32] in asked

    answer = await ask(target.host, target.port, question, is_wanted, clock=clock)
    time = parse_server_time(answer)
    # RFC 5905: half the way there and half the way back cancel out.
    offset_ns = (time.received_ns - asked[answer[24:32]] + time.sent_ns - came_ns[0]) // 2
    offset_s = round(offset_ns / NS_PER_S, 6)
    samples = ((metrics.PROBE_CLOCK_OFFSET, offset_s), (metrics.PROBE_CLOCK_STRATUM, float(time.stratum)))
    if abs(offset_s) > OFFSET_MAX_S:
        return Found(_apart(offset_s), Trouble.CLOCK_OFF, samples)
    return Found(
        say("Сервер часу відповідає, годинники збігаються.", "It answers, and the clocks agree."), None, samples
    )


def parse_server_time(data: bytes) -> ServerTime:
    """Read a server's packet.

    Raises:
        Failed: it is none, the server refuses, or it does not know the time itself.
    """
    if len(data) < PACKET_BYTES or data[0] & 7 != SERVER_MODE:
        raise not_understood("NTP")
    stratum = data[1]
    word = "".join(letter for letter in data[12:16].decode("latin-1") if letter.isascii() and letter.isalpha())
    if stratum == 0 and word:  # "kiss of death": the reference id is a word
        raise Failed(
            Trouble.STATUS,
            say("Сервер часу просить не питати ({word}).", "The time server wants no questions ({word}).", word=word),
        )
    if data[0] >> 6 == NEVER_SET or not 0 < stratum <= STRATUM_MAX:
        raise Failed(
            Trouble.CLOCK_UNSET,
            say("Сервер часу сам ще не знає точного часу.", "The time server does not know the time itself yet."),
        )
    received, sent = struct.unpack_from("!QQ", data, 32)
    return ServerTime(_wall_ns(received), _wall_ns(sent), stratum)


def _wall_ns(ntp: int) -> int:
    seconds = ntp >> 32
    if seconds < _ERA_S // 2:
        seconds += _ERA_S  # it is after February 2036
    return (seconds - _UNIX_EPOCH_S) * NS_PER_S + ((ntp & 0xFFFFFFFF) * NS_PER_S >> 32)


def _apart(offset_s: float) -> Text:
    seconds = f"{abs(offset_s):.0f}"
    if offset_s > 0:
        return say(
            "Годинник агента відстає від сервера часу на {s} с.",
            "The agent's clock is {s} s behind the time server.",
            s=seconds,
        )
    return say(
        "Годинник агента поспішає проти сервера часу на {s} с.",
        "The agent's clock is {s} s ahead of the time server.",
        s=seconds,
    )
