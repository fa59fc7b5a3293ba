"""Every case of `tests.restic_outcomes` comes to its outcome with this machine's restic and rclone."""

from pathlib import Path

import pytest

from tests.restic_outcomes import CASES, Case, outcome_of

pytestmark = [pytest.mark.needs("restic", "rclone"), pytest.mark.timeout(240)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_case_comes_to_its_outcome(case: Case, tmp_path: Path) -> None:
    outcome = outcome_of(case, tmp_path)
    assert outcome.kind is CASES[case], f"{outcome.reason.en} | {outcome.evidence[-500:]}"
    assert outcome.reason.uk.endswith(".")
