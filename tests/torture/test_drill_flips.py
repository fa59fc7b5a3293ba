"""Bytes of a repository are flipped at random, many times: the drill finds whatever a whole restore would suffer from.

`BEKET_FLIPS` sets how many (100); each costs two restores, 2-3 s.
"""

import os
from pathlib import Path

import pytest

from tests.drill_flips import first_copy_in, flip_and_drill

FLIPS = int(os.environ.get("BEKET_FLIPS", "100"))


@pytest.mark.torture
@pytest.mark.needs("restic")
@pytest.mark.timeout(60 + 20 * FLIPS)
def test_every_damaged_restore_is_found_by_the_drill(tmp_path: Path) -> None:
    origin = first_copy_in(tmp_path / "first")
    harmful = sum(flip_and_drill(origin, tmp_path / f"{seed}", seed) for seed in range(FLIPS))
    assert harmful >= FLIPS // 2  # most bytes of a small repository are somebody's
