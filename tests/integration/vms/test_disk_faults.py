"""What real disks do wrong, once each; the long proof is `make torture`."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.disk_faults import FAULTS, Site, tell


@pytest.mark.needs("mkfs.ext4", "mount")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_disk_at_fault_costs_no_more_than_was_said(
    fault: Callable[[Site, random.Random], float], tmp_path: Path
) -> None:
    tell(tmp_path, fault, seed=7)
