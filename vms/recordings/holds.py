"""Owns holds at the centre: a person asks that a span of cameras be kept, for a reason, in a budget, until a review.

A hold ends only by a person's word: past its review date it stands and is spoken of every day, because what was deleted
by mistake does not come back, and what was kept too long can still be deleted. A released hold keeps its recordings for
`GRACE_S` more, for a second thought. Who may ask is decided before. Blocking; safe from any thread.
Note: vms/design/0027-holds-and-sacrifice.md.
"""

import dataclasses
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import InvalidArgument, NotFound
from beket.kernel.ids import CameraId
from beket.kernel.text import counted, say
from beket.kernel.units import TICKS_PER_S, spell_bytes
from vms.recordings import held, hourly, index
from vms.recordings.held import HeldSpan, merged
from vms.recordings.index import HOUR_90K
from vms.recordings.playback import cut, missing_in
from vms.recordings.store import Store
from vms.recordings.tables import holds

DAY_S = 86_400
SPAN_MAX_S = 31 * DAY_S
AHEAD_MAX_S = DAY_S
CAMERAS_MAX = 50
REASON_MIN_CHARS = 5
WORDS_MAX_CHARS = 300
# With a case number somebody outside knows of the hold; without one, only we do.
REVIEW_MAX_DAYS = 90
REVIEW_DAYS = 30
SOON_S = 7 * DAY_S
GRACE_S = DAY_S
RATE_HOURS = 72


class OverBudget(InvalidArgument):
    """The hold would take more than is left for holds."""


class State(StrEnum):
    """How a hold stands."""

    IN_FORCE = "in-force"
    REVIEW_SOON = "review-soon"
    OVERDUE = "overdue"
    RELEASED = "released"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a person asks for.

    Attributes:
        case_number: of the proceeding, "" when there is none.
        review_days: in how many days somebody looks again; None takes what is usual.
    """

    cameras: tuple[CameraId, ...]
    start_90k: int
    end_90k: int
    reason: str
    case_number: str = ""
    review_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A hold as it stands.

    Attributes:
        by_police: it was placed by the police, and is released by them.
        until_s: when a released one lets go; None while it is in force.
    """

    number: int
    cameras: tuple[CameraId, ...]
    start_90k: int
    end_90k: int
    reason: str
    case_number: str
    placed_by: str
    by_police: bool
    placed_at_s: int
    review_at_s: int
    until_s: int | None

    def state(self, now_s: int) -> State:
        """How it stands at a moment."""
        if self.until_s is not None:
            return State.RELEASED
        if now_s >= self.review_at_s:
            return State.OVERDUE
        return State.REVIEW_SOON if now_s >= self.review_at_s - SOON_S else State.IN_FORCE


@dataclass(frozen=True, slots=True)
class Cost:
    """What holds take: `here_bytes` on the centre's disk, `coming_bytes` expected from sites, at the cameras' rates."""

    here_bytes: int = 0
    coming_bytes: int = 0

    @property
    def total_bytes(self) -> int:
        """Both."""
        return self.here_bytes + self.coming_bytes


class Holds:
    """The holds of one store, the centre's."""

    def __init__(self, store: Store, *, clock: Clock, budget_bytes: int) -> None:
        self._store = store
        self._clock = clock
        self.budget_bytes = budget_bytes
        self._lock = threading.Lock()

    def listing(self) -> list[Hold]:
        """Those in force and those released that still keep something, the most urgent first."""
        with self._store.database.read() as connection:
            kept = held.spans(connection)
            rows = connection.execute(
                sa.select(holds).where(holds.c.id.in_({span.hold for span in kept})).order_by(holds.c.review_at_s)
            ).all()
        found = [_hold(row, [span for span in kept if span.hold == row.id]) for row in rows]
        return sorted(found, key=lambda one: (one.until_s is not None, one.review_at_s, one.number))

    def find(self, number: int) -> Hold:
        """The hold with this number.

        Raises:
            NotFound: there is none, or it has let go.
        """
        for one in self.listing():
            if one.number == number:
                return one
        raise NotFound(say("Такої заборони стирати немає.", "There is no such hold."), subject=str(number))

    def cost(self, wanted: Wanted | None = None) -> Cost:
        """What all holds take, with `wanted` beside them if it is given. Time held twice counts once."""
        with self._store.database.read() as connection:
            spans = held.spans(connection)
            if wanted is not None:
                spans += _spans(wanted, 0)
            return self._sum(connection, spans)

    def cost_of(self, hold: Hold) -> Cost:
        """What one hold takes, whatever others hold the same."""
        with self._store.database.read() as connection:
            return self._sum(connection, [HeldSpan(one, 0, hold.start_90k, hold.end_90k) for one in hold.cameras])

    def place(self, wanted: Wanted, *, by: str, by_police: bool) -> Hold:
        """Hold what is wanted, durably.

        Raises:
            InvalidArgument: the request is not complete; the sentence says what is missing.
            OverBudget: it would cost too much; the sentence says how much, and what is left.
        """
        now_s = self._now_s()
        review_days = _checked(wanted, now_s)
        with self._lock:
            self._check_budget(wanted)
            values = {
                "start_90k": wanted.start_90k,
                "end_90k": wanted.end_90k,
                "reason": wanted.reason.strip(),
                "case_number": wanted.case_number.strip(),
                "placed_by": by,
                "by_police": by_police,
                "placed_at_s": now_s,
                "review_at_s": now_s + review_days * DAY_S,
                "released_by": "",
            }

            def put(connection: sa.Connection) -> int:
                key = connection.execute(sa.insert(holds).values(values)).inserted_primary_key
                assert key is not None
                number = int(key[0])
                _replace(connection, [*held.spans(connection), *_spans(wanted, number)])
                return number

            return self.find(self._store.change_holds(put))

    def release(self, number: int, *, by: str) -> Hold:
        """Let a hold go: it keeps its recordings for `GRACE_S` more. Released already, it stays so."""
        found = self.find(number)
        if found.until_s is not None:
            return found
        now_s = self._now_s()
        self._set(number, until_s=now_s + GRACE_S, released_at_s=now_s, released_by=by)
        return self.find(number)

    def renew(self, number: int, *, days: int) -> Hold:
        """Look again in so many days; a released one is in force again.

        Raises:
            InvalidArgument: that is longer than such a hold may go unlooked at.
        """
        found = self.find(number)
        days = _review_days(days, found.case_number)
        review_at_s = self._now_s() + days * DAY_S
        self._set(number, until_s=None, released_at_s=None, released_by="", review_at_s=review_at_s)
        return self.find(number)

    def spans(self, cameras: Iterable[CameraId]) -> list[HeldSpan]:
        """What is held of these cameras, as a site has to know it."""
        wanted = set(cameras)
        with self._store.database.read() as connection:
            return [span for span in held.spans(connection) if span.camera in wanted]

    def _now_s(self) -> int:
        return self._clock.wall_ns() // NS_PER_S

    def _set(self, number: int, *, until_s: int | None, **values: int | str | None) -> None:
        def put(connection: sa.Connection) -> None:
            connection.execute(sa.update(holds).where(holds.c.id == number).values(**values))
            spans = held.spans(connection)
            _replace(connection, [dataclasses.replace(s, until_s=until_s) if s.hold == number else s for s in spans])

        self._store.change_holds(put)

    def _check_budget(self, wanted: Wanted) -> None:
        before_bytes, after_bytes = self.cost().total_bytes, self.cost(wanted).total_bytes
        if after_bytes <= self.budget_bytes:
            return
        raise OverBudget(
            say(
                "Це займе {cost}, а для заборон стирати лишилося {left} з {budget}.",
                "This would take {cost}; of the {budget} for holds {left} are left.",
                cost=spell_bytes(after_bytes - before_bytes),
                left=spell_bytes(max(0, self.budget_bytes - before_bytes)),
                budget=spell_bytes(self.budget_bytes),
            ),
            hint=say(
                "Скоротіть час чи перелік камер, зніміть зайві заборони або збільште [recordings] hold_budget_gib.",
                "Shorten the time or the list, release needless holds, or raise [recordings] hold_budget_gib.",
            ),
        )

    def _sum(self, connection: sa.Connection, spans: Sequence[HeldSpan]) -> Cost:
        cameras = {span.camera for span in spans}
        parts = [self._cost(connection, camera, [s for s in spans if s.camera == camera]) for camera in cameras]
        return Cost(sum(part.here_bytes for part in parts), sum(part.coming_bytes for part in parts))

    def _cost(self, connection: sa.Connection, camera: CameraId, spans: Sequence[HeldSpan]) -> Cost:
        here_bytes = coming_90k = 0
        now_90k = self._clock.wall_ns() * TICKS_PER_S // NS_PER_S
        for start_90k, end_90k in merged((span.start_90k, span.end_90k) for span in spans):
            here_bytes += hourly.bytes_between(connection, camera, start_90k, end_90k)
            stretches = index.stretches_between(connection, camera, start_90k, end_90k)
            gaps = index.gaps_between(connection, camera, start_90k, min(end_90k, now_90k))
            recorded = cut(stretches, from_90k=start_90k, until_90k=end_90k)
            missing = missing_in(recorded, gaps, from_90k=start_90k, until_90k=end_90k)
            coming_90k += sum(one.end_90k - one.start_90k for one in missing if one.reason is None)
        rate_bytes = hourly.bytes_an_hour(connection, camera, hours=RATE_HOURS) if coming_90k else 0
        return Cost(here_bytes, rate_bytes * coming_90k // HOUR_90K)


def _checked(wanted: Wanted, now_s: int) -> int:
    """The days until the review.

    Raises:
        InvalidArgument: see `Holds.place`.
    """
    if not 0 < len(set(wanted.cameras)) <= CAMERAS_MAX:
        raise InvalidArgument(
            say("Виберіть від 1 до {n} камер.", "Choose from 1 to {n} cameras.", n=CAMERAS_MAX), subject="cameras"
        )
    if not 0 <= wanted.start_90k < wanted.end_90k <= wanted.start_90k + SPAN_MAX_S * TICKS_PER_S:
        raise InvalidArgument(
            say("Проміжок має бути не порожній і не довший за 31 день.", "The span must be within 31 days."),
            subject="span",
        )
    if wanted.end_90k > (now_s + AHEAD_MAX_S) * TICKS_PER_S:
        raise InvalidArgument(say("Наперед — не більше доби.", "At most a day ahead."), subject="span")
    if not REASON_MIN_CHARS <= len(wanted.reason.strip()) <= WORDS_MAX_CHARS:
        raise InvalidArgument(say("Вкажіть, навіщо це зберегти.", "State why this is to be kept."), subject="reason")
    if len(wanted.case_number) > WORDS_MAX_CHARS:
        raise InvalidArgument(say("Номер задовгий.", "The number is too long."), subject="case_number")
    return _review_days(wanted.review_days, wanted.case_number)


def _review_days(days: int | None, case_number: str) -> int:
    most = REVIEW_MAX_DAYS if case_number.strip() else REVIEW_DAYS
    days = REVIEW_DAYS if days is None else days
    if not 1 <= days <= most:
        raise InvalidArgument(
            say(
                "Переглянути заборону треба не пізніше ніж за {days}; без номера справи — за {usual}.",
                "A hold is looked at again within {n} days; without a case number within {m}.",
                days=counted(REVIEW_MAX_DAYS, "день", "дні", "днів"),
                usual=counted(REVIEW_DAYS, "день", "дні", "днів"),
                n=REVIEW_MAX_DAYS,
                m=REVIEW_DAYS,
            ),
            subject="review_days",
        )
    return days


def _spans(wanted: Wanted, number: int) -> list[HeldSpan]:
    return [HeldSpan(camera, number, wanted.start_90k, wanted.end_90k) for camera in sorted(set(wanted.cameras))]


def _replace(connection: sa.Connection, spans: Sequence[HeldSpan]) -> None:
    held.replace(connection, spans, {span.camera: index.camera_row(connection, span.camera) for span in spans})


def _hold(row: sa.Row[tuple[object, ...]], spans: Sequence[HeldSpan]) -> Hold:
    return Hold(
        number=row.id,
        cameras=tuple(span.camera for span in spans),
        start_90k=row.start_90k,
        end_90k=row.end_90k,
        reason=row.reason,
        case_number=row.case_number,
        placed_by=row.placed_by,
        by_police=row.by_police,
        placed_at_s=row.placed_at_s,
        review_at_s=row.review_at_s,
        until_s=spans[0].until_s,
    )
