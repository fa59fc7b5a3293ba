import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from beket.kernel.clock import SimulatedClock
from beket.kernel.database import Database
from beket.kernel.ids import CameraId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import GapReason
from beket.testing.crash_disk import CrashDisk, Operation, after_cut
from beket.testing.fragments import DAY_90K, made_up_fragments, made_up_stream
from vms.recordings import container, index
from vms.recordings.check import Progress, check
from vms.recordings.recovery import recover
from vms.recordings.segments import key_of
from vms.recordings.store import Store
from vms.recordings.writer import Recorder

CAMERAS = (CameraId("gate"), CameraId("yard"))
STREAM = made_up_stream()


@dataclass(frozen=True)
class Committed:
    """The whole database as it is durable from here on."""

    image: bytes


@dataclass(frozen=True)
class Promised:
    """What `sync` told its caller to be durable: the end of each camera's recording."""

    ends_90k: dict[CameraId, int]


def logged(disk: CrashDisk) -> type[Database]:
    """A database whose commits stand in the disk's log, in order with its operations."""

    class LoggedDatabase(Database):
        def _write_in_transaction(self, work: Callable[[sa.Connection], object]) -> object:  # type: ignore[override]
            result = super()._write_in_transaction(work)
            with self.read() as connection:
                raw = connection.connection.driver_connection
                assert raw is not None
                disk.note(Committed(raw.serialize()))
            return result

    return LoggedDatabase


def recorded_log(make_store: Callable[..., Store]) -> tuple[list[Operation], int, bytes]:
    """Two cameras, 50 s of one run each, an end and a deletion; the log, where it begins to matter, all fragments."""
    disk = CrashDisk()
    store = make_store(disk, name="first", database_type=logged(disk))
    begun = len(disk.log)
    recorder = Recorder(store, clock=SimulatedClock(), instruments=Instruments(site="school"))
    sent = made_up_fragments(random.Random(5), start_90k=DAY_90K, seconds=50)
    for camera in CAMERAS:
        recorder.start_run(camera, STREAM, start_90k=DAY_90K)
    for at in range(0, len(sent), 5):
        for camera in CAMERAS:
            recorder.write(camera, sent[at : at + 5])
        if at % 10 == 0:
            assert recorder.flush(10)
            last = sent[at : at + 5][-1]
            disk.note(Promised(dict.fromkeys(CAMERAS, last.start_90k + last.duration_90k)))
    recorder.end_run(CAMERAS[0], reason=GapReason.CAMERA)
    assert recorder.close()
    with store.database.read() as connection:
        oldest = index.oldest(connection, CAMERAS[1], limit=1, before_90k=None, acknowledged_only=False)
    disk.note("deleting")
    store.discard([key_of(segment) for segment in oldest])
    store.collect_garbage()
    return disk.log, begun, b"".join(fragment.data for fragment in sent)


def newest(log: list[Operation], kind: type) -> object:
    return next((o.note for o in reversed(log) if o.kind == "note" and isinstance(o.note, kind)), None)


def test_every_cut_leaves_what_was_promised_and_nothing_false(make_store: Callable[..., Store], tmp_path: Path) -> None:
    log, begun, whole = recorded_log(make_store)
    rng = random.Random(11)
    deleting = next(at for at, operation in enumerate(log) if operation.note == "deleting")
    for trial in range(120):
        cut = rng.randrange(begun, len(log)) if trial else len(log)
        before = log[: cut + 1]
        committed = newest(before, Committed)
        assert isinstance(committed, Committed)
        (tmp_path / f"cut{trial}.db").write_bytes(committed.image)
        disk = after_cut(before, rng, keep_ratio=(0, 0.5, 1)[trial % 3])
        store = make_store(disk, name=f"cut{trial}")
        recover(store)

        assert [found for found in check(store) if not isinstance(found, Progress)] == []
        promised = newest(before, Promised)
        for camera in CAMERAS:
            with store.database.read() as connection:
                segments = list(index.segments_between(connection, camera, DAY_90K, DAY_90K * 2))
                gap = index.open_gap(connection, camera)
            body = b""
            for segment in segments:
                data = store.read(key_of(segment), 0, segment.size_bytes)
                body += data[len(container.head(store._origin, announced_of(segment), STREAM)) :]
            if cut < deleting:
                assert whole.startswith(body)
                kept_until_90k = segments[-1].end_90k if segments else 0
                if isinstance(promised, Promised):
                    assert kept_until_90k >= promised.ends_90k[camera]
                    assert gap is not None
                    assert gap.start_90k == kept_until_90k


def announced_of(segment: object) -> container.Announced:
    return container.Announced(key_of(segment), segment.run, segment.previous_sha256)  # type: ignore[attr-defined,arg-type]
