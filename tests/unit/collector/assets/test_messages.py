from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel import wire
from beket.kernel.errors import ProtocolError
from collector.assets.messages import (
    REPORT_MAX_BYTES,
    SECTIONS,
    ComputerReport,
    Program,
    ReportReceipt,
    completed,
    read_report,
)

GOLDEN = Path(__file__).parents[3] / "fixtures" / "wire" / "1"


def golden() -> bytes:
    return (GOLDEN / "computer-report.json").read_bytes().rstrip()


def test_the_golden_report_is_read_whole_and_written_back_the_same() -> None:
    report = read_report(golden())
    assert report.hardware.model == "OptiPlex 380"
    assert wire.encode(report) == golden()
    assert wire.encode(ReportReceipt(changes=3)) == (GOLDEN / "computer-receipt.json").read_bytes().rstrip()


def test_a_newer_agent_may_say_more_and_an_older_one_less() -> None:
    assert read_report(b'{"version":2,"name":"PC","colour":"grey","disks":[{"smell":1}]}').disks[0].health == "unknown"
    assert read_report(b"{}") == ComputerReport()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b'{"name":5}', b'{"version":0}', b'{"hardware":{"cores":-1}}',
        b'{"system":{"installed_on":"soon"}}',
        b'{"name":"' + b"a" * 201 + b'"}', b'{"software":[{}]}',
        b'{"licences":[{"product":"W","last_five":"AAAAA-BBBBB"}]}',
        b"{" + b" " * REPORT_MAX_BYTES + b"}", b'{"memory":' + b"[" * 9000,
    ],
)  # fmt: skip
def test_what_is_no_honest_report_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_report(body)


@given(st.integers(0, 900), st.binary(max_size=30))
def test_hostile_bytes_are_a_report_or_refused(at: int, noise: bytes) -> None:
    data = golden()
    try:
        read_report(data[:at] + noise + data[at + len(noise) :])
    except ProtocolError:
        return


def test_what_could_not_be_read_this_time_stays_as_it_was_read_last() -> None:
    before = msgspec.structs.replace(read_report(golden()), unread=())
    after = completed(ComputerReport(name="BUH-2", unread=SECTIONS), before)
    assert [getattr(after, section) for section in SECTIONS] == [getattr(before, section) for section in SECTIONS]
    read = completed(ComputerReport(software=(Program(name="a"),)), before)
    assert read.software == (Program(name="a"),)
    assert completed(ComputerReport(unread=("software", "moon")), None).software == ()
