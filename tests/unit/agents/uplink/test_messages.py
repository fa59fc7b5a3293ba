from pathlib import Path

from agents.uplink.messages import GapReport, GapReports, HeldTimes, SegmentOffer, SegmentState
from beket.kernel import wire
from beket.kernel.ports import GapReason

GOLDEN = Path(__file__).parents[3] / "fixtures" / "wire" / "1"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes().strip()


def test_the_agent_sends_what_centres_of_release_1_read() -> None:
    assert wire.encode(SegmentOffer(duration_90k=1_800_000, sha256=SHA256)) == golden("segment-offer")
    gaps = (
        GapReport(camera="gate", start_90k=161600832000000, end_90k=161600837400000, reason=GapReason.POWER.value),
        GapReport(camera="yard", start_90k=161600832000000, end_90k=None, reason=GapReason.NO_PURPOSE.value),
    )
    assert wire.encode(GapReports(gaps=gaps)) == golden("gap-reports")


def test_the_agent_reads_what_centres_of_release_1_send() -> None:
    whole = wire.decode(golden("segment-state"), SegmentState)
    assert whole == SegmentState(offset_bytes=2_500_000, sha256=SHA256)
    assert wire.decode(golden("segment-state-partial"), SegmentState) == SegmentState(offset_bytes=65_536)


def test_the_agent_reads_what_centres_of_release_1_hold() -> None:
    times = wire.decode(golden("held-times"), HeldTimes)
    assert [(one.hold, one.camera, one.until_s) for one in times.held] == [(7, "gate", None), (8, "yard", 1795651200)]
    assert times.held[0].end_90k - times.held[0].start_90k == 60 * 90_000
