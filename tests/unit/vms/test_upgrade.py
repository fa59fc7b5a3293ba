"""A database of an older release opens with everything that the newer one counts on."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from beket.kernel.database import Database
from beket.testing.fragments import DAY_90K
from vms.recordings import held
from vms.recordings.index import HOUR_90K
from vms.recordings.tables import MIGRATIONS


def test_sums_by_hour_of_recordings_from_before_there_were_sums_are_right_at_once(tmp_path: Path) -> None:
    older = tmp_path / "older"
    shutil.copytree(MIGRATIONS, older)
    for newer in (older / "versions").glob("000[2-9]*.py"):
        newer.unlink()
    Database(tmp_path / "video.db", migrations=older).close()
    with closing(sqlite3.connect(tmp_path / "video.db")) as connection:
        connection.execute("INSERT INTO disks (id, uuid) VALUES (1, 'u')")
        connection.execute("INSERT INTO cameras (id, slug, next_sequence, last_sha256) VALUES (1, 'gate', 1, x'')")
        for number, start_90k in enumerate((DAY_90K - 1, DAY_90K, DAY_90K + HOUR_90K - 1, DAY_90K + HOUR_90K)):
            connection.execute(
                "INSERT INTO segments (camera, start_90k, sequence, duration_90k, run, size_bytes, disk, acknowledged, "
                "sha256, previous_sha256) VALUES (1, ?, ?, 9, 1, ?, 1, 1, x'', x'')",
                (start_90k, number, 10**number),
            )
        connection.commit()
    database = Database(tmp_path / "video.db", migrations=MIGRATIONS)
    with database.read() as reading:
        rows = reading.exec_driver_sql("SELECT hour_90k, segments, size_bytes FROM hours ORDER BY 1").fetchall()
        assert held.spans(reading) == []
    database.close()
    assert [tuple(row) for row in rows] == [
        (DAY_90K - HOUR_90K, 1, 1),
        (DAY_90K, 2, 110),
        (DAY_90K + HOUR_90K, 1, 1000),
    ]
