"""A lost index on real files: films and killed recorders, with the old index and with one made anew."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from beket.access.signing import SigningKey
from beket.kernel.clock import SystemClock
from beket.kernel.database import Database
from beket.kernel.ids import CameraId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import GapReason
from beket.kernel.units import TICKS_PER_S
from beket.testing.access_units import take_apart
from beket.testing.footage import Footage
from beket.testing.fragments import DAY_90K, film_fragments, film_stream
from tests.integration.vms.conftest import ORIGIN
from tests.integration.vms.test_recording import _WRITER, findings, repeated
from vms.recordings.chain_check import trust_any
from vms.recordings.disk import PosixDisk
from vms.recordings.findings import Finding
from vms.recordings.rebuild import Rebuilt, rebuild
from vms.recordings.recovery import recover
from vms.recordings.sealing import Sealer
from vms.recordings.store import Store
from vms.recordings.tables import MIGRATIONS, cameras, gaps, growing, runs, sealed, segments, unsealed
from vms.recordings.writer import Recorder

GATE = CameraId("gate")
TABLES = (cameras, segments, runs, gaps, growing, unsealed, sealed)


def rows(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with store.database.read() as connection:
        return {table.name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr) for table in TABLES}


def made_anew(disk: PosixDisk, path: Path) -> tuple[Store, Rebuilt]:
    database = Database(path, migrations=MIGRATIONS)
    steps = list(rebuild(database, [disk], origin=ORIGIN, is_edge=True, trusts=trust_any))
    assert not [step for step in steps if isinstance(step, Finding)]
    last = steps[-1]
    assert isinstance(last, Rebuilt)
    return Store(database, disk, origin=ORIGIN), last


@pytest.mark.needs("ffmpeg", "ffprobe")
def test_a_films_index_is_the_same_from_seals_and_from_files(
    make_store: Callable[..., Store], footage: Footage, tmp_path: Path
) -> None:
    film = take_apart(footage.file, tmp_path)
    store = make_store()
    recorder = Recorder(store, clock=SystemClock(), instruments=Instruments(site="school"))
    recorder.start_run(GATE, film_stream(film), start_90k=DAY_90K)
    for fragment in repeated(film_fragments(film, start_90k=0), seconds=70):
        recorder.write(GATE, [fragment])
    recorder.end_run(GATE, reason=GapReason.RESTART)
    assert recorder.close()
    disk = PosixDisk(tmp_path / "video")
    waiting, made = made_anew(disk, tmp_path / "files.db")
    assert rows(waiting) == rows(store)
    assert (made.signed, made.read) == (0, len(rows(store)["segments"]))
    waiting.database.close()
    Sealer(store, SigningKey.load_or_create(tmp_path / "key"), clock=SystemClock()).seal_all()
    told, made = made_anew(disk, tmp_path / "seals.db")
    assert rows(told) == rows(store)
    assert (made.signed, made.read) == (len(rows(store)["segments"]), 0)
    assert findings(told) == []
    told.database.close()


def test_after_a_kill_the_new_index_recovers_to_the_same_as_the_old_one(
    make_store: Callable[..., Store], tmp_path: Path
) -> None:
    folder = tmp_path / "site"
    (folder / "video").mkdir(parents=True)
    for kill in range(3):
        start_90k = DAY_90K + kill * 7200 * TICKS_PER_S
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(folder), str(start_90k)], stdout=subprocess.PIPE, cwd=Path.cwd()
        ) as writer:
            assert writer.stdout is not None
            for _ in range(20):
                writer.stdout.readline()
            writer.kill()
            writer.stdout.readlines()
    shutil.copytree(folder / "video", tmp_path / "copy")
    anew, _ = made_anew(PosixDisk(tmp_path / "copy"), tmp_path / "anew.db")
    recover(anew)
    store = make_store(PosixDisk(folder / "video"), name="site/video")
    recover(store)
    assert rows(anew) == rows(store)
    assert findings(anew) == findings(store) == []
    anew.database.close()
