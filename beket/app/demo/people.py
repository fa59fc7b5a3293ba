"""Owns the people of a training community: one account of each role, with the grants that such a person would hold.

People appear as roles, never with a name; the documents behind the grants are marked as training ones.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace

from beket.access.permit import Grant, Scope, grant_ends_at
from beket.access.roles import Action, Role
from beket.access.store import AccessStore
from beket.app.machine import operator
from beket.kernel.errors import NotFound
from beket.kernel.ids import CameraId, SiteId
from beket.kernel.inventory import Inventory

GRANT_DAYS = 365
ARCHIVE_DAYS = 30
_LOOK = frozenset({Action.VIEW_LIVE, Action.VIEW_ARCHIVE})


@dataclass(frozen=True, slots=True)
class Trainee:
    """One account of the demo.

    Attributes:
        village, site: what a grant reaches; with `looks_everywhere` all of the community.
        names_cameras: the grant names each camera there, special classes too.
    """

    login: str
    name: str
    role: Role
    actions: frozenset[Action] = frozenset()
    village: str = ""
    site: str = ""
    looks_everywhere: bool = False
    names_cameras: bool = False


PEOPLE = (
    Trainee("head", "Голова громади", Role.HEAD, _LOOK, looks_everywhere=True, names_cameras=True),
    Trainee("deputy", "Заступник голови", Role.DEPUTY, _LOOK, looks_everywhere=True, names_cameras=True),
    Trainee("secretary", "Секретар ради", Role.SECRETARY, _LOOK, site="council-mohyliv"),
    Trainee(
        "starosta", "Староста Новопідкряжа", Role.STAROSTA, _LOOK | {Action.SEE_STATUS, Action.HOLD},
        village="Новопідкряж",
    ),
    Trainee(
        "school", "Директор школи", Role.INSTITUTION_HEAD, _LOOK | {Action.SEE_STATUS, Action.SEE_LISTS},
        site="school-tsybulkivka", names_cameras=True,
    ),
    Trainee("finance", "Фінансовий відділ", Role.FINANCE),
    Trainee("it", "ІТ-фахівець громади", Role.IT),
    Trainee(
        "police", "Черговий поліції", Role.POLICE, _LOOK | {Action.SEE_STATUS, Action.HOLD}, looks_everywhere=True
    ),
    Trainee(
        "police-wall", "Екран чергової частини", Role.POLICE_WALL, frozenset({Action.VIEW_LIVE, Action.SEE_STATUS}),
        looks_everywhere=True,
    ),
    Trainee("auditor", "Перевіряльник", Role.AUDITOR),
    Trainee(
        "technician", "Технік на день", Role.TECHNICIAN, frozenset({Action.SEE_STATUS, Action.TAKE_TEST_CLIP}),
        site="starostat-novopidkriazh",
    ),
)  # fmt: skip


def put_people(access: AccessStore, known: Inventory) -> None:
    """Make each account that is not there, and give each person a grant in force. Blocking."""
    now_at = access.time.now_at()
    for trainee in PEOPLE:
        try:
            user = access.users.find(trainee.login)
        except NotFound:
            user = access.users.create(
                trainee.login, name=trainee.name, role=trainee.role, password=None, by=operator()
            )
        held = access.users.grants_of(user.id)
        if trainee.actions and not any(g.from_at <= now_at < grant_ends_at(trainee.role, g) for g in held):
            access.users.grant(user.id, _grant(trainee, known, len(held) + 1, now_at), by=operator())


def _grant(trainee: Trainee, known: Inventory, number: int, now_at: datetime.datetime) -> Grant:
    grant = Grant(
        number=f"DEMO-{trainee.login}-{number}",
        actions=trainee.actions,
        scope=_scope(trainee, known),
        from_at=now_at,
        until_at=now_at + datetime.timedelta(days=GRANT_DAYS),
        archive_days=ARCHIVE_DAYS if Action.VIEW_ARCHIVE in trainee.actions else 0,
        document="Навчальний наказ № 1",
        purpose="Показ системи",
    )
    return replace(grant, until_at=grant_ends_at(trainee.role, grant))


def _scope(trainee: Trainee, known: Inventory) -> Scope:
    villages: Mapping[SiteId, str] = {site.id: site.village for site in known.sites}
    named: set[CameraId] = set()
    if trainee.names_cameras:
        named = {
            camera.id
            for camera in known.cameras
            if trainee.looks_everywhere or camera.site == trainee.site or villages[camera.site] == trainee.village
        }
    return Scope(
        cameras=frozenset(named),
        sites=frozenset({SiteId(trainee.site)} if trainee.site else ()),
        villages=frozenset({trainee.village} if trainee.village else ()),
        everywhere=trainee.looks_everywhere,
    )
