"""The accounts of the training community: each role once, each with what such a person may see and no more."""

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest

from beket.access.community_key import CommunityKey
from beket.access.permit import camera_resource, permit
from beket.access.roles import Action, Role
from beket.access.store import AccessStore, open_access_db
from beket.app.demo.people import PEOPLE, put_people
from beket.kernel.clock import SimulatedClock, wall_ns_of
from beket.sim.community import inventory
from beket.sim.places import MOHYLIV
from beket.testing.passwords import quick_passwords

# Half an hour before midnight in Kyiv: a technician's day is almost over.
LATE_AT = datetime.datetime(2026, 11, 27, 21, 30, tzinfo=datetime.UTC)
KNOWN = inventory(MOHYLIV)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(wall_ns=wall_ns_of(LATE_AT))


@pytest.fixture
def access(tmp_path: Path, clock: SimulatedClock) -> Iterator[AccessStore]:
    database = open_access_db(tmp_path / "access.db")
    key = CommunityKey.load_or_create(tmp_path / "community.key")
    yield AccessStore(
        database,
        clock=clock,
        boot_id="boot",
        community="m",
        community_key=key,
        pin="0" * 64,
        passwords=quick_passwords(),
    )
    database.close()


def seen_live(access: AccessStore, login: str) -> set[str]:
    actor = access.users.actor(access.users.find(login).id, reason="перевірка доступу")
    sites = {site.id: site for site in KNOWN.sites}
    now_at = access.time.now_at()
    return {
        camera.id
        for camera in KNOWN.cameras
        if permit(actor, Action.VIEW_LIVE, camera_resource(camera, sites[camera.site]), now_at)
    }


def test_there_is_one_account_of_each_role() -> None:
    assert sorted(one.role for one in PEOPLE) == sorted(Role)


def test_each_person_sees_the_own_places_and_children_are_seen_by_name_only(access: AccessStore) -> None:
    put_people(access, KNOWN)
    everything = {camera.id for camera in KNOWN.cameras}
    assert seen_live(access, "deputy") == everything
    assert seen_live(access, "starosta") == {"novopidkriazh-street", "novopidkriazh-entrance"}
    assert seen_live(access, "school") == {"school-yard", "school-street"}
    assert seen_live(access, "police") == everything - {"school-yard"}
    for login in ("finance", "it", "auditor", "technician"):
        assert seen_live(access, login) == set()


def test_second_start_adds_nothing_but_a_new_day_for_the_technician(access: AccessStore, clock: SimulatedClock) -> None:
    def held() -> dict[str, int]:
        return {one.login: len(access.users.grants_of(access.users.find(one.login).id)) for one in PEOPLE}

    put_people(access, KNOWN)
    first = held()
    put_people(access, KNOWN)
    assert held() == first
    clock.pass_time(3600)
    put_people(access, KNOWN)
    assert held() == {**first, "technician": 2}
