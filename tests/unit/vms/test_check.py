import random
from collections.abc import Callable

import pytest

from beket.kernel.clock import SimulatedClock
from beket.kernel.ids import CameraId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import GapReason
from beket.kernel.units import TICKS_PER_S
from beket.testing.crash_disk import CrashDisk
from beket.testing.fragments import DAY_90K, made_up_fragments, made_up_stream
from vms.recordings import index
from vms.recordings.check import check
from vms.recordings.findings import Fault, Finding, Progress
from vms.recordings.segments import key_of
from vms.recordings.store import Store
from vms.recordings.writer import Recorder

GATE = CameraId("gate")


@pytest.fixture
def disk() -> CrashDisk:
    return CrashDisk()


@pytest.fixture
def store(make_store: Callable[..., Store], disk: CrashDisk) -> Store:
    store = make_store(disk)
    recorder = Recorder(store, clock=SimulatedClock(), instruments=Instruments(site="school"))
    recorder.start_run(GATE, made_up_stream(), start_90k=DAY_90K)
    recorder.write(GATE, made_up_fragments(random.Random(1), start_90k=DAY_90K, seconds=90))
    recorder.end_run(GATE, reason=GapReason.LINK)
    assert recorder.close()
    return store


def names(store: Store) -> list[str]:
    with store.database.read() as connection:
        segments = index.segments_between(connection, GATE, DAY_90K, DAY_90K + 3600 * TICKS_PER_S)
        return [key_of(segment).file_name for segment in segments]


def overwrite(disk: CrashDisk, name: str, content: bytes) -> None:
    disk.unlink(name)
    disk.create(name).append(content)


def faults(store: Store, *, rehash: bool = True) -> list[tuple[str, Fault]]:
    return [(found.name, found.fault) for found in check(store, rehash=rehash) if isinstance(found, Finding)]


def test_a_sound_store_has_no_findings_and_all_is_counted(store: Store, disk: CrashDisk) -> None:
    found = list(check(store))
    assert all(isinstance(item, Progress) for item in found)
    assert found[-1].segments == 5
    assert found[-1].size_bytes == disk.used_bytes() - disk.size_bytes("beket-disk.json")


def test_one_changed_bit_is_found_by_hashing_alone(store: Store, disk: CrashDisk) -> None:
    name = names(store)[2]
    content = bytearray(disk.read(name, 0, 1 << 30))
    content[-5] ^= 1
    overwrite(disk, name, bytes(content))
    assert faults(store, rehash=False) == []
    assert faults(store) == [(name, Fault.HASH)]


def test_missing_short_swapped_and_stray_files_are_found(store: Store, disk: CrashDisk) -> None:
    first, second, third, fourth, _ = names(store)
    disk.unlink(first)
    overwrite(disk, second, disk.read(second, 0, disk.size_bytes(second) - 1))
    overwrite(disk, third, bytes(disk.size_bytes(third)))
    other = disk.read(fourth, 0, 1 << 30).replace(b'"gate"', b'"yard"')
    overwrite(disk, fourth, other)
    stray = first.replace("-1.mp4", "-77.mp4")
    disk.create(stray)
    disk.create("gate/notes.txt")
    expected = [
        (first, Fault.MISSING),
        (second, Fault.SIZE),
        (third, Fault.STRUCTURE),
        (fourth, Fault.IDENTITY),
        (stray, Fault.STRAY),
    ]
    assert faults(store, rehash=False) == expected


def test_a_finding_says_what_and_where(store: Store, disk: CrashDisk) -> None:
    name = names(store)[0]
    disk.unlink(name)
    (finding,) = [found for found in check(store) if isinstance(found, Finding)]
    assert finding.sentence().uk == f"{name}: файла немає, хоча він є в переліку."
