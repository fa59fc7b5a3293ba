"""Fixtures for all floors, the order of files, and the rule that a missing program fails its test in one sentence."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from beket.testing import footage as films
from beket.testing.programs import what_is_missing

# How long an example takes is the machine's affair, and a busy one is no failure of the code.
settings.register_profile("beket", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("beket")

# Workers take files in this order: the longest first, so that none is still busy when the others have nothing left.
LONGEST = ("tests/integration/vms/test_power_cut.py", "tests/e2e", "tests/integration/backup", "tests/integration")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    return next((turn for turn, start in enumerate(LONGEST) if item.nodeid.startswith(start)), len(LONGEST))


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        sentence = what_is_missing(marker.args)
        if sentence:
            pytest.fail(sentence, pytrace=False)


@pytest.fixture(scope="session", params=[None, *films.real_films()], ids=lambda film: film.stem if film else "rendered")
def footage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> films.Footage:
    """A film of a street: the rendered one, then each real one of BEKET_FOOTAGE_DIR; a test runs once for each."""
    film: Path | None = request.param
    return films.look_at(film) if film else films.rendered(tmp_path_factory.mktemp("footage"))


@pytest.fixture
def village_to_ourselves() -> Iterator[None]:
    """One village at a time on a machine: its cameras and gear have addresses of their own."""
    with (Path(tempfile.gettempdir()) / f"beket-village-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
