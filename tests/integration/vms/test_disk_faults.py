"""What real disks do wrong, once each; the long proof is `make torture`."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from beket.testing.file_systems import ext4_disks
from tests.disk_faults import FAULTS, Site, tell
from vms.recordings.disk import DiskFailure, PosixDisk


@pytest.mark.needs("mkfs.ext4", "mount")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_disk_at_fault_costs_no_more_than_was_said(
    fault: Callable[[Site, random.Random], float], tmp_path: Path
) -> None:
    tell(tmp_path, fault, seed=7)


@pytest.mark.needs("mkfs.ext4", "mount")
def test_a_file_whose_sync_failed_is_given_up_though_the_kernel_would_call_the_next_sync_good(tmp_path: Path) -> None:
    with ext4_disks(tmp_path, "disk") as (device,):
        file = PosixDisk(device.folder).create("1.mp4")
        file.append(bytes(100_000))
        file.sync()
        with device.starved():
            file.append(b"\x01" * 100_000)
            with pytest.raises(DiskFailure):
                file.sync_data()
        with pytest.raises(DiskFailure):
            file.sync_data()
        with pytest.raises(DiskFailure):
            file.append(b"\x01")
        file.close()
