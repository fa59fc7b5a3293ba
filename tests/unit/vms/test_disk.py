import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from beket.kernel.errors import DataLoss, InvalidConfig, NoSpace, NotFound
from beket.kernel.ids import CommunityId
from beket.testing.crash_disk import CrashDisk
from vms.recordings.disk import IDENTITY_NAME, Disk, DiskFailure, NameTaken, PosixDisk, error_from_os, prove_identity
from vms.recordings.store import Store

COMMUNITY = CommunityId("dobrianka")


@pytest.fixture(params=["posix", "memory"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Disk:
    return PosixDisk(tmp_path) if request.param == "posix" else CrashDisk()


def test_a_disk_gives_back_what_was_appended(disk: Disk) -> None:
    disk.make_folder("gate")
    file = disk.create("gate/a")
    file.append(b"12345")
    file.append(b"678")
    file.sync_data()
    file.truncate(6)
    file.sync()
    disk.sync_folder("gate")
    assert (file.size_bytes, disk.size_bytes("gate/a")) == (6, 6)
    file.close()
    assert disk.read("gate/a", 4, 100) == b"56"
    again = disk.reopen("gate/a")
    again.append(b"!")
    again.close()
    assert disk.read("gate/a", 0, 7) == b"123456!"


def test_a_disk_lists_and_removes(disk: Disk) -> None:
    assert disk.make_folder("gate")
    assert not disk.make_folder("gate")
    disk.create("gate/b").close()
    disk.create("gate/a").close()
    assert disk.names("gate") == ["a", "b"]
    assert disk.names("") == ["gate"]
    assert disk.names("nowhere") == []
    assert not disk.remove_folder("gate")
    assert disk.unlink("gate/a")
    assert disk.unlink("gate/b")
    assert not disk.unlink("gate/b")
    assert disk.remove_folder("gate")
    assert not disk.remove_folder("gate")
    assert disk.free_bytes() > 0


def test_a_disk_never_overwrites_and_says_what_is_absent(disk: Disk) -> None:
    disk.create("a").close()
    with pytest.raises(DataLoss):
        disk.create("a")
    for absent in (
        lambda: disk.read("b", 0, 1),
        lambda: disk.reopen("b"),
        lambda: disk.size_bytes("b"),
        lambda: disk.create("no/b"),
        lambda: disk.sync_folder("no"),
    ):
        with pytest.raises(NotFound):
            absent()


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_file_is_abandoned_after_a_failed_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    file = PosixDisk(tmp_path).create("a")
    file.append(b"1")

    def fail(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        with pytest.raises(DiskFailure):
            file.sync_data()
    for call in (file.sync_data, file.sync, lambda: file.append(b"2"), lambda: file.truncate(0)):
        with pytest.raises(DiskFailure):
            call()
    file.close()
    file.close()


@pytest.mark.parametrize(
    ("number", "ours"),
    [
        (errno.ENOSPC, NoSpace),
        (errno.EDQUOT, NoSpace),
        (errno.ENOENT, NotFound),
        (errno.EEXIST, NameTaken),
        (errno.EIO, DiskFailure),
        (errno.EROFS, DiskFailure),
        (errno.EACCES, DiskFailure),
        (errno.ESTALE, DiskFailure),
    ],
)
def test_system_errors_leave_as_ours(number: int, ours: type[Exception]) -> None:
    assert type(error_from_os(OSError(number, "x"), "a")) is ours


def test_an_empty_folder_becomes_a_disk_once(disk: Disk) -> None:
    uuid = prove_identity(disk, COMMUNITY, known=[], may_begin=True)
    assert prove_identity(disk, COMMUNITY, known=[uuid], may_begin=False) == uuid
    assert prove_identity(disk, COMMUNITY, known=[], may_begin=True) == uuid


def test_a_wrong_disk_is_refused(disk: Disk) -> None:
    with pytest.raises(InvalidConfig, match="not there"):
        prove_identity(disk, COMMUNITY, known=["u1"], may_begin=False)
    prove_identity(disk, COMMUNITY, known=[], may_begin=True)
    with pytest.raises(InvalidConfig, match="Another recording disk"):
        prove_identity(disk, COMMUNITY, known=["u1"], may_begin=True)
    with pytest.raises(InvalidConfig, match="belongs to community"):
        prove_identity(disk, CommunityId("pidhaitsi"), known=[], may_begin=True)


def test_a_folder_with_other_things_is_not_taken_for_a_disk(disk: Disk) -> None:
    disk.make_folder("photos")
    with pytest.raises(InvalidConfig, match="photos"):
        prove_identity(disk, COMMUNITY, known=[], may_begin=True)


def test_a_damaged_label_is_refused(disk: Disk) -> None:
    file = disk.create(IDENTITY_NAME)
    file.append(b"{")
    file.close()
    with pytest.raises(InvalidConfig, match="damaged"):
        prove_identity(disk, COMMUNITY, known=[], may_begin=True)


def test_a_store_refuses_to_start_when_its_disk_is_not_mounted(
    make_store: Callable[..., Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PosixDisk, "file_system", lambda _self: "")  # wherever the tests' folder lies
    make_store()
    (tmp_path / "video").rename(tmp_path / "away")
    with pytest.raises(InvalidConfig, match="not there"):
        make_store()
    assert not any((tmp_path / "video").iterdir())
