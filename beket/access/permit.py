"""Owns the one question of access: may this actor do this to that now? Pure functions over frozen values.

Denied unless the role's ceiling and, where it says so, a grant in force both allow it. Does not know where accounts are
kept, nor what time it is; `at` comes from `access_time.AccessTime.now_at`.
Note: beket/access/design/0006-access-and-trust.md.
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from beket.access.roles import (
    ALWAYS_REASONED_ACTIONS,
    CAMERA_ACTIONS,
    CEILING,
    POLICE_ROLES,
    REASONED_ACTIONS,
    Action,
    May,
    Role,
)
from beket.kernel.ids import CameraId, SiteId, UserId
from beket.kernel.inventory import SPECIAL_CLASSES, AccessClass, Camera, Site
from beket.kernel.text import Text, counted, say

APPROVALS_NEEDED = 2
REASON_MIN_CHARS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What an action is about: a camera, else a site, else the whole community.

    Attributes:
        access: class of the camera; None when nobody has decided it, which is guarded like a special class.
        recorded_at: for the archive, the oldest moment that is looked at; without it no archive is shown.
        approved_by: for a copy, who has approved its request.
    """

    camera: CameraId | None = None
    site: SiteId | None = None
    village: str = ""
    district: str = ""
    access: AccessClass | None = None
    recorded_at: datetime.datetime | None = None
    approved_by: frozenset[UserId] = frozenset()

    @property
    def name(self) -> str:
        """The id of the thing, as the journal keeps it; "" for the community."""
        return str(self.camera or self.site or "")


COMMUNITY = Resource()


def site_resource(site: Site) -> Resource:
    """The building itself, as a thing to ask about."""
    return Resource(site=site.id, village=site.village, district=site.district)


def camera_resource(camera: Camera, site: Site, *, recorded_at: datetime.datetime | None = None) -> Resource:
    """A camera that stands at `site`; for its archive, with the oldest moment that is looked at."""
    return replace(site_resource(site), camera=camera.id, access=camera.access, recorded_at=recorded_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which things a grant reaches; nothing listed reaches nothing.

    Attributes:
        cameras: cameras by name; the only way to one of a special class.
        everywhere: every site of the community, and its cameras that are not special.
    """

    cameras: frozenset[CameraId] = frozenset()
    sites: frozenset[SiteId] = frozenset()
    villages: frozenset[str] = frozenset()
    districts: frozenset[str] = frozenset()
    everywhere: bool = False

    def names(self, resource: Resource) -> bool:
        """Whether the camera itself is listed."""
        return resource.camera is not None and resource.camera in self.cameras

    def reaches(self, resource: Resource) -> bool:
        """Whether the resource is listed, or stands where the scope reaches."""
        return (
            self.everywhere
            or self.names(resource)
            or (resource.site is not None and resource.site in self.sites)
            or (bool(resource.village) and resource.village in self.villages)
            or (bool(resource.district) and resource.district in self.districts)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A permission by document: these actions, on these things, from a moment until a moment.

    Attributes:
        number: how the journal and people call it, unique in the community.
        until_at: the first moment at which it no longer holds.
        archive_days: how far back the archive may be looked at; 0 is live only.
        document: the decision, contract or order behind it.
        purpose: what for, in one sentence.
    """

    number: str
    actions: frozenset[Action]
    scope: Scope
    from_at: datetime.datetime
    until_at: datetime.datetime
    archive_days: int = 0
    document: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person or a screen that asks, with the grants it holds and the reason it has stated for this sitting."""

    user: UserId
    login: str
    role: Role
    grants: tuple[Grant, ...] = ()
    reason: str = ""

    @property
    def is_police(self) -> bool:
        """Whether what it does is shown in the journal only to the auditor and the head."""
        return self.role in POLICE_ROLES

    def because(self, reason: str) -> "Actor":
        """The same actor with a stated reason."""
        return replace(self, reason=reason.strip())


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of `permit`; true when allowed.

    Attributes:
        reason: why not, or what allows it, for the page and for the journal.
        grant: number of the grant that allows it; "" when the role alone does, or when refused.
    """

    allowed: bool
    reason: Text
    grant: str = ""

    def __bool__(self) -> bool:
        return self.allowed


def permit(actor: Actor, action: Action, resource: Resource, at: datetime.datetime) -> Decision:
    """Decide whether `actor` may do `action` to `resource` at the moment `at`; no is the default."""
    may = CEILING[actor.role].get(action)
    if may is None:
        return _refuse("Ваша роль цього не дозволяє.", "Your role does not allow this.")
    if action in CAMERA_ACTIONS and resource.camera is None:
        return _refuse("Спочатку виберіть камеру.", "Choose a camera first.")
    if _needs_reason(actor, action) and len(actor.reason.strip()) < REASON_MIN_CHARS:
        return _refuse("Спочатку вкажіть, навіщо ви дивитеся.", "First state why you are looking.")
    if action is Action.EXPORT_COPY and len(resource.approved_by) < APPROVALS_NEEDED:
        return _refuse("Копію мають погодити дві людини.", "Two people must approve a copy.")
    if may is May.EVERYWHERE and not (action in CAMERA_ACTIONS and _is_guarded(resource, action)):
        return Decision(True, say("Дозволено за посадою.", "Allowed by role."))
    return _by_grant(actor, action, resource, at)


def grant_ends_at(role: Role, grant: Grant) -> datetime.datetime:
    """When the grant really ends: for a technician never later than the midnight after it began."""
    if role is not Role.TECHNICIAN:
        return grant.until_at
    began = grant.from_at.astimezone(ZoneInfo("Europe/Kyiv"))
    midnight = began.replace(hour=0, minute=0, second=0, microsecond=0, fold=0) + datetime.timedelta(days=1)
    return min(grant.until_at, midnight.astimezone(datetime.UTC))


def matching_grants(grants: Iterable[Grant], action: Action, resource: Resource) -> list[Grant]:
    """The grants that name this action and reach this resource, whatever the time, in order of number."""
    found = (g for g in grants if action in g.actions and _reaches(g.scope, action, resource))
    return sorted(found, key=lambda grant: grant.number)


def _by_grant(actor: Actor, action: Action, resource: Resource, at: datetime.datetime) -> Decision:
    matching = matching_grants(actor.grants, action, resource)
    if not matching:
        if action in CAMERA_ACTIONS and _is_guarded(resource, action):
            return _refuse(
                "Ця камера під особливою охороною: потрібен дозвіл саме на неї.",
                "This camera is specially guarded: a grant must name it.",
            )
        return _refuse("На це у вас немає дозволу.", "You hold no grant for this.")
    in_force = [g for g in matching if g.from_at <= at < grant_ends_at(actor.role, g)]
    if not in_force:
        if any(at < grant.from_at for grant in matching):
            return _refuse("Ваш дозвіл ще не почав діяти.", "Your grant has not begun yet.")
        return _refuse("Строк вашого дозволу минув.", "Your grant has ended.")
    if action is Action.VIEW_ARCHIVE:
        in_force, farthest_days = _within_horizon(in_force, resource, at), max(g.archive_days for g in in_force)
        if not in_force:
            return _too_old(farthest_days)
    grant = in_force[0]
    return Decision(
        True, say("Дозволено: дозвіл {number}.", "Allowed by grant {number}.", number=grant.number), grant.number
    )


def _within_horizon(grants: list[Grant], resource: Resource, at: datetime.datetime) -> list[Grant]:
    if resource.recorded_at is None:
        return []
    age = at - resource.recorded_at
    return [g for g in grants if g.archive_days > 0 and age <= datetime.timedelta(days=g.archive_days)]


def _too_old(farthest_days: int) -> Decision:
    if farthest_days == 0:
        return _refuse("Ваш дозвіл лише на живе зображення.", "Your grant is for live pictures only.")
    return Decision(
        False,
        say(
            "Ваш дозвіл — на записи не давніші за {days}.",
            "Your grant covers recordings of the last {n} days.",
            days=counted(farthest_days, "день", "дні", "днів"),
            n=farthest_days,
        ),
    )


def _reaches(scope: Scope, action: Action, resource: Resource) -> bool:
    if action in CAMERA_ACTIONS and _is_guarded(resource, action):
        return scope.names(resource)
    return scope.reaches(resource)


def _is_guarded(resource: Resource, action: Action) -> bool:
    # A camera whose class is not decided yet may still be tested, or nobody could ever set it up.
    if resource.access is None:
        return action is not Action.TAKE_TEST_CLIP
    return resource.access in SPECIAL_CLASSES


def _needs_reason(actor: Actor, action: Action) -> bool:
    return action in ALWAYS_REASONED_ACTIONS or (action in REASONED_ACTIONS and not actor.is_police)


def _refuse(uk: str, en: str) -> Decision:
    return Decision(False, say(uk, en))
