import datetime
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beket.access.permit import (
    COMMUNITY,
    Actor,
    Grant,
    Resource,
    Scope,
    camera_resource,
    grant_ends_at,
    permit,
    site_resource,
)
from beket.access.roles import CAMERA_ACTIONS, CEILING, Action, Role
from beket.kernel.ids import CameraId, SiteId, UserId
from beket.kernel.inventory import SPECIAL_CLASSES, AccessClass, Camera, Site

NOW_AT = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)
REASON = "Звернення мешканки"

SCHOOL = Site(id=SiteId("school"), name="Школа", village="Цибульківка", district="Цибульківський")
GATE = Camera(id=CameraId("gate"), site=SCHOOL.id, name="Ворота", url="rtsp://a/1", access=AccessClass.STREET)
CLASSROOM = Camera(id=CameraId("classroom"), site=SCHOOL.id, name="Клас", url="rtsp://a/2", access=AccessClass.CHILDREN)
UNDECIDED = Camera(id=CameraId("new"), site=SCHOOL.id, name="Нова", url="rtsp://a/3")

EVERY_ACTION = frozenset(Action)
EVERYWHERE = Scope(everywhere=True)


def make_grant(scope: Scope, **changes: object) -> Grant:
    grant = Grant(
        number="1", actions=EVERY_ACTION, scope=scope, from_at=NOW_AT - HOUR, until_at=NOW_AT + HOUR, archive_days=30
    )
    return replace(grant, **changes)  # type: ignore[arg-type]


def make_actor(role: Role, *grants: Grant, reason: str = REASON) -> Actor:
    return Actor(user=UserId("u"), login="olena", role=role, grants=grants, reason=reason)


def at_gate(**changes: object) -> Resource:
    gate = camera_resource(GATE, SCHOOL, recorded_at=NOW_AT - DAY)
    return replace(gate, approved_by=frozenset({UserId("a"), UserId("b")}), **changes)  # type: ignore[arg-type]


# The whole matrix: E everywhere by role, G by a grant, - never. Change it only with the design note.
COLUMNS = list(Action)
MATRIX = """
                 status lists test live archive hold request approve export inventory users agents journal police back
head             E      E     -    G    G       G    G       E       G      -         E     -      E       E    E
deputy           E      E     -    G    G       G    G       E       G      -         E     -      E       -    -
secretary        E      E     -    G    G       G    G       E       G      -         -     -      E       -    -
starosta         G      -     -    G    G       G    G       -       -      -         -     -      -       -    -
institution-head G      G     -    G    G       G    G       -       -      -         -     -      -       -    G
finance          -      E     -    -    -       -    -       -       -      -         -     -      -       -    -
it               E      E     E    -    -       -    -       -       -      E         -     E      E       -    E
police           G      -     -    G    G       G    G       -       G      -         -     -      -       -    -
police-wall      G      -     -    G    -       -    -       -       -      -         -     -      -       -    -
auditor          -      -     -    -    -       -    -       -       -      -         -     -      E       E    -
technician       G      -     G    -    -       -    -       -       -      -         -     -      -       -    -
"""


def expected(role: Role, action: Action) -> str:
    rows = {line.split()[0]: line.split()[1:] for line in MATRIX.strip().splitlines()[1:]}
    return rows[role][COLUMNS.index(action)]


def test_the_matrix_lists_every_role_and_action() -> None:
    lines = MATRIX.strip().splitlines()
    assert [line.split()[0] for line in lines[1:]] == [role.value for role in Role]
    assert all(len(line.split()) == len(COLUMNS) + 1 for line in lines[1:])
    assert set(CEILING) == set(Role)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_permit_follows_the_matrix(role: Role, action: Action) -> None:
    resource = at_gate() if action in CAMERA_ACTIONS else COMMUNITY
    without = permit(make_actor(role), action, resource, NOW_AT)
    with_grant = permit(make_actor(role, make_grant(EVERYWHERE)), action, resource, NOW_AT)
    found = "E" if without else "G" if with_grant else "-"
    assert found == expected(role, action), (without.reason.en, with_grant.reason.en)


@pytest.mark.parametrize(
    ("scope", "camera", "allowed"),
    [
        (Scope(), GATE, False),
        (EVERYWHERE, GATE, True),
        (EVERYWHERE, CLASSROOM, False),
        (EVERYWHERE, UNDECIDED, False),
        (Scope(villages=frozenset({"Цибульківка"})), GATE, True),
        (Scope(villages=frozenset({"Могилів"})), GATE, False),
        (Scope(villages=frozenset({""})), GATE, False),
        (Scope(districts=frozenset({"Цибульківський"})), GATE, True),
        (Scope(sites=frozenset({SCHOOL.id})), GATE, True),
        (Scope(sites=frozenset({SCHOOL.id})), CLASSROOM, False),
        (Scope(cameras=frozenset({CLASSROOM.id})), CLASSROOM, True),
        (Scope(cameras=frozenset({CLASSROOM.id})), GATE, False),
        (Scope(cameras=frozenset({UNDECIDED.id})), UNDECIDED, True),
    ],
)
def test_a_scope_reaches_what_it_lists_and_special_cameras_by_name_only(
    scope: Scope, camera: Camera, *, allowed: bool
) -> None:
    actor = make_actor(Role.POLICE, make_grant(scope))
    assert bool(permit(actor, Action.VIEW_LIVE, camera_resource(camera, SCHOOL), NOW_AT)) is allowed


def test_a_thing_without_a_village_is_not_reached_by_an_empty_name() -> None:
    nowhere = frozenset({""})
    actor = make_actor(Role.POLICE, make_grant(Scope(villages=nowhere, districts=nowhere)))
    resource = replace(at_gate(), village="", district="")
    assert not permit(actor, Action.VIEW_LIVE, resource, NOW_AT)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", sorted(CAMERA_ACTIONS))
def test_a_picture_is_always_of_one_camera(role: Role, action: Action) -> None:
    actor = make_actor(role, make_grant(EVERYWHERE))
    for resource in (COMMUNITY, site_resource(SCHOOL)):
        assert not permit(actor, action, resource, NOW_AT)


@pytest.mark.parametrize(("camera", "allowed"), [(GATE, True), (UNDECIDED, True), (CLASSROOM, False)])
def test_it_takes_a_test_picture_but_not_of_children(camera: Camera, *, allowed: bool) -> None:
    resource = camera_resource(camera, SCHOOL)
    assert bool(permit(make_actor(Role.IT), Action.TAKE_TEST_CLIP, resource, NOW_AT)) is allowed
    named = make_actor(Role.IT, make_grant(Scope(cameras=frozenset({camera.id}))))
    assert permit(named, Action.TAKE_TEST_CLIP, resource, NOW_AT)
    assert not permit(named, Action.VIEW_ARCHIVE, resource, NOW_AT)


@pytest.mark.parametrize(
    ("role", "action", "reason", "allowed"),
    [
        (Role.HEAD, Action.VIEW_LIVE, "", False),
        (Role.HEAD, Action.VIEW_LIVE, "  . ", False),
        (Role.HEAD, Action.VIEW_LIVE, REASON, True),
        (Role.STAROSTA, Action.VIEW_ARCHIVE, "", False),
        (Role.STAROSTA, Action.HOLD, "", False),
        (Role.POLICE, Action.VIEW_LIVE, "", True),
        (Role.POLICE_WALL, Action.VIEW_LIVE, "", True),
    ],
)
def test_looks_outside_the_police_need_a_reason(role: Role, action: Action, reason: str, *, allowed: bool) -> None:
    actor = make_actor(role, make_grant(EVERYWHERE), reason=reason)
    assert bool(permit(actor, action, at_gate(), NOW_AT)) is allowed


@pytest.mark.parametrize("role", [Role.HEAD, Role.AUDITOR])
def test_the_police_journal_needs_a_reason_from_everybody(role: Role) -> None:
    assert not permit(make_actor(role, reason=""), Action.READ_POLICE_JOURNAL, COMMUNITY, NOW_AT)
    assert permit(make_actor(role), Action.READ_POLICE_JOURNAL, COMMUNITY, NOW_AT)


@pytest.mark.parametrize(("approved_by", "allowed"), [(set(), False), ({"head"}, False), ({"head", "secretary"}, True)])
def test_a_copy_needs_two_people(approved_by: set[UserId], *, allowed: bool) -> None:
    actor = make_actor(Role.POLICE, make_grant(EVERYWHERE))
    resource = replace(at_gate(), approved_by=frozenset(approved_by))
    assert bool(permit(actor, Action.EXPORT_COPY, resource, NOW_AT)) is allowed


@pytest.mark.parametrize(
    ("archive_days", "age", "allowed"),
    [
        (0, HOUR, False),
        (0, 0 * HOUR, False),
        (0, -HOUR, False),
        (7, 7 * DAY, True),
        (7, 7 * DAY + HOUR, False),
        (7, None, False),
        (7, -HOUR, True),
    ],
)
def test_the_archive_reaches_back_as_far_as_the_grant_says(
    archive_days: int, age: datetime.timedelta | None, *, allowed: bool
) -> None:
    actor = make_actor(Role.POLICE, make_grant(EVERYWHERE, archive_days=archive_days))
    resource = at_gate(recorded_at=None if age is None else NOW_AT - age)
    decision = permit(actor, Action.VIEW_ARCHIVE, resource, NOW_AT)
    assert bool(decision) is allowed
    assert permit(actor, Action.VIEW_LIVE, resource, NOW_AT)


def test_a_refusal_says_why_in_plain_words() -> None:
    live = make_grant(EVERYWHERE, archive_days=0)
    seven = make_grant(EVERYWHERE, archive_days=7)
    old = at_gate(recorded_at=NOW_AT - 9 * DAY)
    said = [
        permit(make_actor(Role.POLICE, live), Action.VIEW_ARCHIVE, old, NOW_AT).reason.uk,
        permit(make_actor(Role.POLICE, seven), Action.VIEW_ARCHIVE, old, NOW_AT).reason.uk,
        permit(make_actor(Role.POLICE, seven), Action.VIEW_LIVE, old, NOW_AT + DAY).reason.uk,
        permit(make_actor(Role.POLICE, seven), Action.VIEW_LIVE, old, NOW_AT - DAY).reason.uk,
        permit(make_actor(Role.IT), Action.VIEW_LIVE, old, NOW_AT).reason.uk,
    ]
    assert said == [
        "Ваш дозвіл лише на живе зображення.",
        "Ваш дозвіл — на записи не давніші за 7 днів.",
        "Строк вашого дозволу минув.",
        "Ваш дозвіл ще не почав діяти.",
        "Ваша роль цього не дозволяє.",
    ]


def test_a_grant_names_itself_in_the_decision() -> None:
    one, two = make_grant(EVERYWHERE, number="12/3"), make_grant(EVERYWHERE, number="07/1")
    assert permit(make_actor(Role.POLICE, one, two), Action.VIEW_LIVE, at_gate(), NOW_AT).grant == "07/1"


def test_a_starosta_sees_the_state_of_own_villages_only() -> None:
    actor = make_actor(Role.STAROSTA, make_grant(Scope(villages=frozenset({"Цибульківка"}))))
    elsewhere = Site(id=SiteId("club"), name="Клуб", village="Могилів")
    assert permit(actor, Action.SEE_STATUS, site_resource(SCHOOL), NOW_AT)
    assert not permit(actor, Action.SEE_STATUS, site_resource(elsewhere), NOW_AT)
    assert not permit(actor, Action.SEE_STATUS, COMMUNITY, NOW_AT)


@pytest.mark.parametrize(
    ("from_at", "ends_at"),
    [
        # Kyiv is UTC+2 in winter: its day ends at 22:00 UTC; a grant from the evening ends within the hour.
        ("2026-11-25T07:00+00:00", "2026-11-25T22:00+00:00"),
        ("2026-11-25T21:30+00:00", "2026-11-25T22:00+00:00"),
        ("2026-11-25T22:00+00:00", "2026-11-26T22:00+00:00"),
        # The day that has 25 hours.
        ("2026-10-24T21:00+00:00", "2026-10-25T22:00+00:00"),
    ],
)
def test_a_technicians_grant_ends_the_same_day(from_at: str, ends_at: str) -> None:
    began_at, ended_at = datetime.datetime.fromisoformat(from_at), datetime.datetime.fromisoformat(ends_at)
    grant = make_grant(EVERYWHERE, from_at=began_at, until_at=began_at + 90 * DAY)
    assert grant_ends_at(Role.TECHNICIAN, grant) == ended_at
    actor = make_actor(Role.TECHNICIAN, grant)
    second = datetime.timedelta(seconds=1)
    assert permit(actor, Action.TAKE_TEST_CLIP, at_gate(), ended_at - second)
    assert not permit(actor, Action.TAKE_TEST_CLIP, at_gate(), ended_at)


# Properties -----------------------------------------------------------------------------------------------------------

names = st.sampled_from(["a", "b", "c"])
name_sets = st.frozensets(names, max_size=2)
moments = st.integers(-200, 200).map(lambda hours: NOW_AT + hours * HOUR)
scopes = st.builds(
    Scope, cameras=name_sets, sites=name_sets, villages=name_sets, districts=name_sets, everywhere=st.booleans()
)
actions = st.sampled_from(Action)
grants = st.builds(
    Grant,
    number=st.text("0123456789", min_size=1, max_size=3),
    actions=st.frozensets(actions),
    scope=scopes,
    from_at=moments,
    until_at=moments,
    archive_days=st.integers(0, 30),
)
resources = st.builds(
    Resource,
    camera=st.none() | names,
    site=names,
    village=names | st.just(""),
    district=names | st.just(""),
    access=st.none() | st.sampled_from(AccessClass),
    recorded_at=st.none() | moments,
    approved_by=st.frozensets(names),
)
actors = st.builds(
    Actor,
    user=names,
    login=names,
    role=st.sampled_from(Role),
    grants=st.lists(grants, max_size=4).map(tuple),
    reason=st.sampled_from(["", REASON]),
)
PICTURES = sorted(CAMERA_ACTIONS - {Action.TAKE_TEST_CLIP})


@given(actors, st.sampled_from(PICTURES), resources, moments)
def test_nobody_gets_a_camera_without_a_grant(
    actor: Actor, action: Action, resource: Resource, at: datetime.datetime
) -> None:
    assert not permit(replace(actor, grants=()), action, resource, at)


@given(actors, actions, resources, moments)
def test_a_yes_rests_on_the_role_or_on_a_grant_in_force_that_names_action_and_thing(
    actor: Actor, action: Action, resource: Resource, at: datetime.datetime
) -> None:
    decision = permit(actor, action, resource, at)
    if not decision:
        assert decision.grant == ""
        return
    assert action in CEILING[actor.role]
    if not decision.grant:
        assert permit(replace(actor, grants=()), action, resource, at)
        return
    assert any(
        g.number == decision.grant
        and action in g.actions
        and g.from_at <= at < g.until_at
        and g.scope.reaches(resource)
        for g in actor.grants
    )


@given(actors, st.sampled_from(sorted(CAMERA_ACTIONS)), resources, moments)
def test_a_special_camera_is_reached_by_name_only(
    actor: Actor, action: Action, resource: Resource, at: datetime.datetime
) -> None:
    if resource.access in SPECIAL_CLASSES and permit(actor, action, resource, at):
        assert any(resource.camera in grant.scope.cameras for grant in actor.grants)


@given(actors, actions, resources, moments)
def test_ended_grants_are_worth_nothing(
    actor: Actor, action: Action, resource: Resource, at: datetime.datetime
) -> None:
    ended = tuple(replace(grant, until_at=min(grant.until_at, at)) for grant in actor.grants)
    bare = replace(actor, grants=())
    assert bool(permit(replace(actor, grants=ended), action, resource, at)) == bool(permit(bare, action, resource, at))


@given(actors, actions, resources, moments, grants)
def test_an_unrelated_grant_changes_nothing(
    actor: Actor, action: Action, resource: Resource, at: datetime.datetime, other: Grant
) -> None:
    if action in other.actions and other.scope.reaches(resource):
        other = replace(other, actions=other.actions - {action})
    more = replace(actor, grants=(*actor.grants, other))
    before, after = permit(actor, action, resource, at), permit(more, action, resource, at)
    assert before == after
    assert before.reason.uk == after.reason.uk


@given(actors, actions, resources, moments, st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_the_order_of_grants_does_not_matter(
    actor: Actor, action: Action, resource: Resource, at: datetime.datetime, rng: object
) -> None:
    shuffled = list(actor.grants)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    answer = permit(replace(actor, grants=tuple(shuffled)), action, resource, at)
    assert bool(answer) == bool(permit(actor, action, resource, at))
    assert answer.grant == permit(actor, action, resource, at).grant


@given(actors, actions, resources, moments)
def test_an_empty_scope_means_nothing(actor: Actor, action: Action, resource: Resource, at: datetime.datetime) -> None:
    empty = tuple(replace(grant, scope=Scope()) for grant in actor.grants)
    bare = permit(replace(actor, grants=()), action, resource, at)
    assert bool(permit(replace(actor, grants=empty), action, resource, at)) == bool(bare)
