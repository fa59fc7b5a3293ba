"""Owns what pages are told of alerts: one JSON shape, both languages, only sites that the reader may see. Blocking."""

from collections.abc import Callable

import msgspec

from beket.kernel.clock import NS_PER_S, Clock, utc
from beket.kernel.errors import NotFound
from beket.kernel.ids import SiteId
from beket.kernel.text import Text, counted, say
from collector.notify.outbox import DeadLetter, Outbox
from collector.rules.condition import Said, Words, said
from collector.rules.standing import Moment, State
from collector.rules.store import AlertStore, Known

Sees = Callable[[SiteId], bool]

RESOLVED_SHOWN_S = 24 * 3600
LIST_MAX = 500
HISTORY_MAX = 200
DEAD_MAX = 50


class AlertBody(msgspec.Struct, frozen=True):
    """One alert. Times are ISO 8601 in UTC; `lasted_s` is None where a wrong clock hides it."""

    key: str
    rule: str
    subject: str
    site: str
    state: str
    episode: int
    began_at: str | None
    changed_at: str
    ended_at: str | None
    lasted_s: float | None
    inhibitor: str
    explains: tuple[str, ...]
    words: Words | None


class DeadBody(msgspec.Struct, frozen=True):
    """A letter that could not be delivered."""

    recipient: str
    subject: str
    why: Said
    at: str


class MailBody(msgspec.Struct, frozen=True):
    """How letters fare; `sentence` is for people: nothing is wrong, what is, or that there are no letters at all."""

    is_on: bool
    waiting: int
    oldest_age_s: float
    dead: int
    sentence: Said


class AlertsBody(msgspec.Struct, frozen=True):
    """The answer of `/alerts.json`."""

    at: str
    counts: dict[str, int]
    alerts: tuple[AlertBody, ...]
    mail: MailBody


class TransitionBody(msgspec.Struct, frozen=True):
    """One line of an alert's history."""

    at: str
    episode: int
    before: str
    after: str
    reason: str


class HistoryBody(msgspec.Struct, frozen=True):
    """The answer of `/alerts/history.json`."""

    alert: AlertBody
    transitions: tuple[TransitionBody, ...]


class AlertsView:
    """What may be known of alerts."""

    def __init__(self, alerts: AlertStore, outbox: Outbox, *, clock: Clock, boot_id: str, mail_is_on: bool) -> None:
        self._alerts = alerts
        self._outbox = outbox
        self._clock = clock
        self._boot_id = boot_id
        self._mail_is_on = mail_is_on

    def listing(self, sees: Sees) -> AlertsBody:
        """Alerts that stand, and those that ended within a day: firing first, then by the newest change."""
        now = self._now()
        since_ns = now.wall_ns - RESOLVED_SHOWN_S * NS_PER_S
        found = [one for one in self._alerts.listing(resolved_since_wall_ns=since_ns, limit=LIST_MAX) if sees(one.site)]
        counts = {state.value: 0 for state in State if state is not State.OK}
        for one in found:
            counts[one.standing.state.value] += 1
        bodies = tuple(self._body(one, found, now) for one in found)
        return AlertsBody(_iso(now.wall_ns), counts, bodies, self._mail(now))

    def history(self, key: str, sees: Sees) -> HistoryBody:
        """One alert and what happened to it, the newest first.

        Raises:
            NotFound: no such alert where the reader may look.
        """
        known = self._alerts.find(key)
        if known is None or not sees(known.site):
            raise NotFound(say("Такої тривоги немає.", "There is no such alert."), subject=key[:80])
        lines = self._alerts.history(key, limit=HISTORY_MAX)
        return HistoryBody(
            self._body(known, [], self._now()),
            tuple(TransitionBody(_iso(t.wall_ns), t.episode, t.before, t.after, t.reason) for t in lines),
        )

    def dead_letters(self) -> list[DeadBody]:
        """Letters that could not be delivered, the newest first; for whoever looks after the mail."""
        return [_dead(letter) for letter in self._outbox.dead(limit=DEAD_MAX)]

    def mail(self) -> MailBody:
        """How the mail goes."""
        return self._mail(self._now())

    def _body(self, one: Known, others: list[Known], now: Moment) -> AlertBody:
        standing = one.standing
        lasted_ns = one.lasted_ns
        if one.ended_wall_ns is None and standing.began is not None:
            lasted_ns = now.since(standing.began)
        return AlertBody(
            key=one.key,
            rule=one.rule,
            subject=one.subject,
            site=one.site,
            state=standing.state.value,
            episode=standing.episode,
            began_at=_iso(standing.began.wall_ns) if standing.began else None,
            changed_at=_iso(one.changed_wall_ns),
            ended_at=None if one.ended_wall_ns is None else _iso(one.ended_wall_ns),
            lasted_s=None if lasted_ns is None else lasted_ns / NS_PER_S,
            inhibitor=standing.inhibitor,
            explains=tuple(other.key for other in others if other.standing.inhibitor == one.key),
            words=one.words,
        )

    def _mail(self, now: Moment) -> MailBody:
        figures = self._outbox.figures(now)
        age_s = round(figures.oldest_age_s)
        sentence = _mail_sentence(self._mail_is_on, figures.waiting, age_s, figures.trouble, figures.dead)
        return MailBody(self._mail_is_on, figures.waiting, figures.oldest_age_s, figures.dead, said(sentence))

    def _now(self) -> Moment:
        return Moment(self._boot_id, self._clock.mono_ns(), self._clock.wall_ns())


def _mail_sentence(is_on: bool, waiting: int, age_s: int, trouble: Said | None, dead: int) -> Text:
    if not is_on:
        return say(
            "Листи не надсилаються: заповніть розділ [mail] у налаштуваннях центру.",
            "No letters are sent: fill in the section [mail] of the centre's configuration.",
        )
    if waiting and trouble is not None:
        return say(
            "Чекають {letters}, найдавніший уже {minutes} хв. {why} Лист не загубиться: пробуємо далі.",
            "Letters waiting: {n}, the oldest for {minutes} min. {why} None is lost: we keep trying.",
            letters=counted(waiting, "лист", "листи", "листів"),
            n=waiting,
            minutes=age_s // 60,
            why=Text("{uk}", "{en}", {"uk": trouble.uk, "en": trouble.en}),
        )
    if dead:
        return say(
            "Не доставлено: {letters}. Перевірте адреси в [mail] recipients.",
            "Letters not delivered: {n}. Check the addresses in [mail] recipients.",
            letters=counted(dead, "лист", "листи", "листів"),
            n=dead,
        )
    return say("Листи надсилаються.", "Letters are sent.")


def _dead(letter: DeadLetter) -> DeadBody:
    return DeadBody(letter.recipient, letter.subject, letter.why, _iso(letter.wall_ns))


def _iso(wall_ns: int) -> str:
    return utc(wall_ns).isoformat(timespec="milliseconds").replace("+00:00", "Z")
