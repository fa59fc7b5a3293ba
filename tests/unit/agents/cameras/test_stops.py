from pathlib import Path

import pytest

from agents.cameras.stops import RunMark, begin_run, end_run, read_mark, reason_after, why_stopped
from beket.kernel.ports import GapReason


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        (None, GapReason.RESTART),
        (RunMark(boot_id="a", software="0.1", ended=True), GapReason.RESTART),
        (RunMark(boot_id="a", software="0.1", ended=False), GapReason.RESTART),  # the process died, the machine did not
        (RunMark(boot_id="z", software="0.1", ended=True), GapReason.RESTART),  # somebody shut the machine down
        (RunMark(boot_id="z", software="0.1", ended=False), GapReason.POWER),
        (RunMark(boot_id="z", software="0.0", ended=False), GapReason.POWER),
        (RunMark(boot_id="a", software="0.0", ended=True), GapReason.UPDATE),
        (RunMark(boot_id="a", software="0.0", ended=False), GapReason.UPDATE),  # killed when it took too long to stop
        (RunMark(boot_id="z", software="0.0", ended=True), GapReason.UPDATE),
    ],
)
def test_what_ran_before_tells_why_there_is_a_gap(before: RunMark | None, reason: GapReason) -> None:
    assert reason_after(before, boot_id="a", software="0.1") is reason


def test_a_start_that_fails_does_not_forget_why_the_one_before_ended(tmp_path: Path) -> None:
    mark = tmp_path / "run.json"
    begin_run(mark, boot_id="a", software="0.1")
    assert why_stopped(mark, boot_id="b", software="0.1") is GapReason.POWER
    assert why_stopped(mark, boot_id="b", software="0.1") is GapReason.POWER
    begin_run(mark, boot_id="b", software="0.1")
    end_run(mark, boot_id="b", software="0.1")
    assert why_stopped(mark, boot_id="c", software="0.1") is GapReason.RESTART


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff" * 10_000, b'{"boot_id":1}'])
def test_a_mark_that_cannot_be_read_counts_as_none(tmp_path: Path, content: bytes) -> None:
    mark = tmp_path / "run.json"
    mark.write_bytes(content)
    assert read_mark(mark, RunMark) is None
    assert why_stopped(mark, boot_id="b", software="0.1") is GapReason.RESTART
    assert read_mark(tmp_path, RunMark) is None
