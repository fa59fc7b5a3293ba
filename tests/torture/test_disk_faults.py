"""What real disks do wrong, many times each, at other moments each time."""

import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.disk_faults import FAULTS, Site, tell

TIMES = 20

pytestmark = pytest.mark.torture


@pytest.mark.needs("mkfs.ext4", "mount")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_disk_at_fault_costs_no_more_than_was_said_at_any_moment(
    fault: Callable[[Site, random.Random], float], tmp_path: Path
) -> None:
    for seed in range(TIMES):
        folder = tmp_path / str(seed)
        folder.mkdir()
        tell(folder, fault, seed=seed)
    sys.stdout.write(f"{fault.__name__}: {TIMES} of {TIMES}\n")
