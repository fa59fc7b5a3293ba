"""Alerts of holds: said when the review date has passed, by number alone, until somebody decides."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from beket.app.wiring.hold_alerts import hold_conditions
from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.database import Database
from beket.kernel.ids import CameraId, CommunityId, SiteId
from beket.testing.crash_disk import CrashDisk
from vms.recordings.container import Origin
from vms.recordings.holds import DAY_S, Holds, Wanted
from vms.recordings.store import Store
from vms.recordings.tables import MIGRATIONS

NOW_S = 1_795_651_200
CLOCK = SimulatedClock(wall_ns=NOW_S * NS_PER_S)


@pytest.fixture
def holds(tmp_path: Path) -> Iterator[Holds]:
    database = Database(tmp_path / "video.db", migrations=MIGRATIONS)
    origin = Origin(CommunityId("mohyliv"), SiteId("centre"), "b1", "0.1.0", lambda: True)
    yield Holds(Store(database, CrashDisk(), origin=origin), clock=CLOCK, budget_bytes=1 << 30)
    database.close()


def test_a_hold_past_its_review_is_an_alert_that_names_no_camera(holds: Holds) -> None:
    now_90k = NOW_S * 90_000
    for by_police in (True, False):
        holds.place(
            Wanted(cameras=(CameraId("school-street"),), start_90k=now_90k - 9, end_90k=now_90k, reason="Крадіжка"),
            by="officer",
            by_police=by_police,
        )
    assert [one.holds for one in hold_conditions(holds, CLOCK, contact="")] == [False, False]
    later = SimulatedClock(wall_ns=(NOW_S + 31 * DAY_S) * NS_PER_S)
    police, ours = hold_conditions(holds, later, contact="Секретар, 099")
    assert (police.key, police.holds) == ("hold-review:1", True)
    assert police.words is not None
    assert ours.words is not None
    assert "Записи під нею лишаються" in police.words.what.uk
    assert (police.words.call.uk, ours.words.call.uk) == ("Поліція, яка поставила заборону.", "Секретар, 099")
    said = "".join(str(one.words) for one in (police, ours))
    assert "school-street" not in said
    assert "Крадіжка" not in said
    holds.release(1, by="officer")
    assert [one.holds for one in hold_conditions(holds, later, contact="")] == [True, False]
