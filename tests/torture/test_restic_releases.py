"""The outcome matrix by release: every case with restic 0.14, 0.18 and 0.19, against rclone and two rest-servers."""

import shutil
from pathlib import Path

import pytest

from beket.testing.restic_releases import (
    REST_SERVER_0_13,
    REST_SERVER_0_14,
    RESTIC_0_18,
    RESTIC_0_19,
    program_of,
)
from tests.restic_outcomes import CASES, append_only, healthy, outcome_of


@pytest.mark.torture
@pytest.mark.needs("restic", "rclone")
def test_every_release_comes_to_the_right_outcome_in_every_case(tmp_path: Path) -> None:
    releases = {"here": "restic", "0.18.0": str(program_of(RESTIC_0_18)), "0.19.1": str(program_of(RESTIC_0_19))}
    table: dict[str, list[str]] = {}
    wrong = []
    for case, kind in CASES.items():
        for release, program in releases.items():
            folder = tmp_path / f"{case.__name__}-{release}"
            found = outcome_of(case, folder, program=program)
            table.setdefault(case.__name__, []).append(found.kind.value)
            if found.kind is not kind:
                wrong.append(f"{case.__name__} {release}: {found.kind}, {found.reason.en} | {found.evidence[-300:]}")
            shutil.rmtree(folder)
    print(f"\n{'case':20} " + " ".join(f"{release:10}" for release in releases))
    for name, kinds in table.items():
        print(f"{name:20} " + " ".join(f"{kind:10}" for kind in kinds))
    assert not wrong, "\n".join(wrong)


@pytest.mark.torture
@pytest.mark.needs("restic")
def test_every_server_refuses_to_remove_and_every_release_says_so(tmp_path: Path) -> None:
    programs = ["restic", str(program_of(RESTIC_0_18)), str(program_of(RESTIC_0_19))]
    for server in (program_of(REST_SERVER_0_13), program_of(REST_SERVER_0_14)):
        for number, program in enumerate(programs):
            for case in (healthy, append_only):
                folder = tmp_path / f"{server.parts[-4]}-{number}-{case.__name__}"
                assert outcome_of(case, folder, program=program, server=str(server)).kind is CASES[case]
