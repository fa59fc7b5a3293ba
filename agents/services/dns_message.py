"""Owns DNS messages (RFC 1035) as far as a probe needs them: one question out, the records of one answer in. Sans I/O.

Our own rather than a library's: one question and five kinds of records are this page, and every byte from outside is
bounded here. Names may only point back, so no answer can make us loop.
"""

import ipaddress
import struct
from dataclasses import dataclass

from agents.services.trouble import not_understood

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "MX": 15, "TXT": 16, "AAAA": 28}
RECORDS_MAX = 64
NAME_MAX_BYTES = 255
TEXT_MAX_CHARS = 300
_HEADER = struct.Struct("!6H")
_RECORD = struct.Struct("!HHIH")
_POINTER = 0xC0


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """What a server says.

    Attributes:
        code: 0 fine, 2 failure, 3 no such name, 5 refused.
        is_cut: it did not fit; ask over TCP.
        values: addresses and names of the records of the wanted type, in order.
    """

    code: int
    is_cut: bool
    values: tuple[str, ...]


def encode_query(number: int, name: str, kind: str) -> bytes:
    """The question for records of `kind`, that the server may ask others about."""
    labels = b"".join(bytes([len(one)]) + one.encode("ascii") for one in name.rstrip(".").split("."))
    return _HEADER.pack(number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", TYPES[kind], 1)


def answers(data: bytes, query: bytes) -> bool:
    """Whether `data` says to be the answer to `query`: the same number, and the same question where it repeats one."""
    if len(data) < _HEADER.size or data[:2] != query[:2] or not data[2] & 0x80:
        return False
    return data[4:6] != b"\0\1" or data[12 : len(query)].lower() == query[12:].lower()


def parse_answer(data: bytes, kind: str) -> DnsAnswer:
    """Read an answer.

    Raises:
        Failed: these bytes are none.
    """
    try:
        _, flags, questions, records, _, _ = _HEADER.unpack_from(data)
        at = _HEADER.size
        for _ in range(min(questions, 4)):
            _, at = _name(data, at)
            at += 4
        values = []
        for _ in range(min(records, RECORDS_MAX)):
            _, at = _name(data, at)
            found, _, _, length = _RECORD.unpack_from(data, at)
            at += _RECORD.size
            if at + length > len(data):
                break  # cut
            if found == TYPES[kind]:
                values.append(_value(data, at, length, kind))
            at += length
    except (struct.error, IndexError, ValueError) as error:
        raise not_understood("DNS") from error
    return DnsAnswer(flags & 0xF, bool(flags & 0x0200), tuple(values))


def _value(data: bytes, at: int, length: int, kind: str) -> str:
    match kind:
        case "A" | "AAAA":
            return str(ipaddress.ip_address(data[at : at + length]))
        case "MX":
            return _name(data, at + 2)[0]
        case "TXT":
            text = data[at + 1 : at + 1 + min(data[at], length - 1)]
            return text.decode("utf-8", "replace")[:TEXT_MAX_CHARS]
        case _:
            return _name(data, at)[0]


def _name(data: bytes, at: int) -> tuple[str, int]:
    """The name at `at`, and where it ends there."""
    labels: list[str] = []
    end, total, earliest = -1, 0, at
    while data[at]:
        length = data[at]
        if length & _POINTER == _POINTER:
            target = struct.unpack_from("!H", data, at)[0] & 0x3FFF
            end = end if end >= 0 else at + 2
            if target >= earliest:
                raise ValueError("a name that points forward")
            at = earliest = target
            continue
        label = data[at + 1 : at + 1 + length]
        total += length + 1
        if length & _POINTER or len(label) < length or total > NAME_MAX_BYTES:
            raise ValueError("no label")
        labels.append(label.decode("latin-1"))
        at += length + 1
    return ".".join(labels), end if end >= 0 else at + 1
