from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel import wire
from beket.kernel.errors import ProtocolError
from beket.kernel.ports import GapReason
from vms.messages import GAPS_MAX, GapReport, GapReports, HeldTime, HeldTimes, SegmentOffer, SegmentState

GOLDEN = Path(__file__).parents[2] / "fixtures" / "wire" / "1"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes().strip()


def test_the_centre_reads_what_agents_of_release_1_send() -> None:
    assert wire.decode(golden("segment-offer"), SegmentOffer) == SegmentOffer(duration_90k=1_800_000, sha256=SHA256)
    assert wire.decode(golden("gap-reports"), GapReports).gaps == (
        GapReport(camera="gate", start_90k=161600832000000, end_90k=161600837400000, reason=GapReason.POWER),
        GapReport(camera="yard", start_90k=161600832000000, end_90k=None, reason=GapReason.NO_PURPOSE),
    )


def test_the_centre_answers_what_agents_of_release_1_read() -> None:
    assert wire.encode(SegmentState(offset_bytes=2_500_000, sha256=SHA256)) == golden("segment-state")
    assert wire.encode(SegmentState(offset_bytes=65_536)) == golden("segment-state-partial")


def test_the_centre_says_what_is_held_as_agents_of_release_1_read_it() -> None:
    span = {"start_90k": 161600832000000, "end_90k": 161600837400000}
    held = (
        HeldTime(hold=7, camera="gate", until_s=None, **span),
        HeldTime(hold=8, camera="yard", until_s=1795651200, **span),
    )
    assert wire.encode(HeldTimes(version="9f86d081884c7d659a2feaa0c55ad015", held=held)) == golden("held-times")


def test_a_newer_agent_may_say_more() -> None:
    more = {**msgspec.json.decode(golden("segment-offer")), "codec": "h266"}
    assert wire.decode(msgspec.json.encode(more), SegmentOffer).sha256 == SHA256


@pytest.mark.parametrize(
    "offer",
    [
        {"duration_90k": 0, "sha256": SHA256},
        {"duration_90k": 1 << 60, "sha256": SHA256},
        {"duration_90k": 90_000, "sha256": SHA256[:-1]},
        {"duration_90k": 90_000, "sha256": SHA256.upper()},
        {"duration_90k": 90_000, "sha256": SHA256 + "\n"},
        {"sha256": SHA256},
    ],
)
def test_an_impossible_offer_is_refused(offer: dict[str, object]) -> None:
    with pytest.raises(ProtocolError):
        wire.decode(msgspec.json.encode(offer), SegmentOffer)


def test_gaps_are_bounded() -> None:
    one = {"camera": "gate", "start_90k": 1, "end_90k": None, "reason": "link"}
    with pytest.raises(ProtocolError):
        wire.decode(msgspec.json.encode({"gaps": [one] * (GAPS_MAX + 1)}), GapReports)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_hostile_bytes_raise_protocol_error_alone(data: bytes) -> None:
    for message in (SegmentOffer, GapReports):
        try:
            wire.decode(data, message)
        except ProtocolError:
            continue
