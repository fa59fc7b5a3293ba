"""Puts together what Beket says of its own troubles: mail, the engine outside, disks with recordings, backups, queues.

Each is one plain sentence with what is kept and what to do, from numbers that the rooms measure about themselves; what
goes well says nothing. Pure but for `own_troubles`, which asks.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from agents.spool import metrics as spool
from backup import metrics as backup
from beket.kernel.ids import SiteId
from beket.kernel.inventory import Inventory
from beket.kernel.metrics import Metric, Point
from beket.kernel.ports import InventoryView
from beket.kernel.text import Text, counted, say
from beket.kernel.units import GIB, spell_bytes
from collector import metrics as collector
from collector.alerts_view import MailBody
from collector.sinks import metrics as sinks
from dashboards.web.ports import NewestSamples, OwnTrouble
from vms import metrics as vms

CENTRE = "centre"
DISK_LOW_BYTES = GIB
SINK_LATE_S = 120
# Of `vms.seal_ingest.Odd`.
_ODD_SEALS = {
    "forged": say("Печатка записів підписана не тим ключем", "A seal of recordings has the wrong signature"),
    "repeated": say("Об'єкт підписав інше замість уже підписаного", "A site has signed something else anew"),
    "gap": say("Печатки записів з об'єкта бракує", "A seal of recordings is missing"),
    "altered": say("Запис у центрі не той, який підписав об'єкт", "A recording is not the one that the site signed"),
}
# Less is the last of a credit.
LEAP_S = 3600
# Below this the promise to residents is broken by more than a day or two.
KEPT_WELL_RATIO = 0.95
EXAMPLE_DAYS = 30
# What people wait out, and what has not failed.
_FINE = frozenset({"ok", "cancelled", "deferred"})
_BACKUP_WORDS: Mapping[str, Text] = {
    "partial": say("скопійовано не все", "not everything was copied"),
    "locked": say("сховище зайняте", "the repository is locked"),
    "auth": say("сховище не приймає пароля", "the repository refuses the password"),
    "missing": say("сховища немає на місці", "the repository is not in its place"),
    "damaged": say("сховище пошкоджене", "the repository is damaged"),
    "failed": say("копіювання не вдалося", "the copying failed"),
}


def own_troubles(
    samples: NewestSamples, own: Callable[[], Iterable[Point]], mail: Callable[[], MailBody], inventory: InventoryView
) -> Callable[[int], list[OwnTrouble]]:
    """What stands now, for the pages: a function of the oldest moment whose samples still count."""

    def stand(since_ns: int) -> list[OwnTrouble]:
        points = [*samples.latest(since_ns), *own()]
        return [*mail_troubles(mail()), *troubles_of(points, inventory.current())]

    return stand


def mail_troubles(mail: MailBody) -> list[OwnTrouble]:
    """Letters that wait or were given up."""
    if mail.waiting or mail.dead:
        words = Text("{uk}", "{en}", {"uk": mail.sentence.uk, "en": mail.sentence.en})
        return [OwnTrouble(site=None, words=words)]
    return []


def troubles_of(points: Sequence[Point], known: Inventory) -> list[OwnTrouble]:
    """What the numbers say, the centre's own first."""
    names = {site.id: site.name for site in known.sites}
    found = [
        *_each(points, sinks.LAG, _sink_words),
        *_each(points, vms.DISK_FREE_BYTES, lambda one: _disk_words(one, names)),
        *_each(points, vms.KEPT_RATIO, lambda one: _kept_words(one, names)),
        *_each(points, vms.SHORT_BYTES, lambda one: _short_words(one, names)),
        *_each(points, vms.CLOCK_AHEAD, lambda one: _leap_words(one, names)),
        *_each(points, vms.ODD_SEALS, _odd_seal_words),
        *_each(points, vms.DISKS_IN_TROUBLE, lambda one: _ill_disk_words(one, names)),
        *_each(points, collector.CLOCK_BEHIND, lambda one: _clock_words(one, names)),
        *_each(points, spool.SPOOL_DROPPED, lambda one: _spool_words(one, names)),
        *_each(points, backup.LAST_OUTCOME, lambda one: _backup_words(one, names)),
        *_each(points, backup.REPOSITORY_DAMAGED, lambda one: _damaged_words(one, names)),
    ]
    return sorted(found, key=lambda one: one.site or "")


def _each(points: Sequence[Point], metric: Metric, words: Callable[[Point], Text | None]) -> list[OwnTrouble]:
    mine = [point for point in points if point.name == metric.name]
    told = [(dict(point.labels).get("site", CENTRE), words(point)) for point in mine]
    return [OwnTrouble(site=None if site == CENTRE else SiteId(site), words=text) for site, text in told if text]


def _sink_words(point: Point) -> Text | None:
    if point.value < SINK_LATE_S:
        return None
    return say(
        "База вимірів не приймає: відстає на {n} хв. Виміри чекають у черзі, нічого не втрачено. Перевірте її сервер.",
        "The samples' engine does not accept: {n} min behind. Samples wait, none is lost. Check its server.",
        n=round(point.value / 60),
    )


def _disk_words(point: Point, names: Mapping[SiteId, str]) -> Text | None:
    if point.value >= DISK_LOW_BYTES:
        return None
    return say(
        "Диск із записами ({place}) майже повний: вільно {free}. Найстаріші записи стираються; потрібен більший диск.",
        "The disk with recordings ({place}) is almost full: {free} left. The oldest go; a larger disk is needed.",
        place=_place(point, names),
        free=spell_bytes(round(point.value)),
    )


def _kept_words(point: Point, names: Mapping[SiteId, str]) -> Text | None:
    if point.value >= KEPT_WELL_RATIO:
        return None
    days = int(point.value * EXAMPLE_DAYS)
    return say(
        "За теперішнього запису місця ({place}) вистачить на {n} з кожних {of} днів обіцяного строку. Додайте диск, "
        "зменште потік камер або строк зберігання.",
        "At today's rate there is room ({place}) for {n} of each {of} days of the promised term. Add a disk, or lower "
        "the bit rate of cameras or the term.",
        place=_place(point, names),
        n=days,
        of=EXAMPLE_DAYS,
    )


def _short_words(point: Point, names: Mapping[SiteId, str]) -> Text | None:
    if not point.value:
        return None
    return say(
        "Місця для записів ({place}) бракує: {short}, а стерти більше нічого не можна: решта під забороною стирати або "
        "ще не в центрі. Щойно диск заповниться, запис стане. Додайте диск, зніміть зайві заборони, перевірте зв'язок.",
        "Recordings ({place}) lack {short} of space and nothing more may be deleted: the rest is held or not yet at "
        "the centre. When the disk is full, recording stops. Add a disk, release needless holds, check the line.",
        place=_place(point, names),
        short=spell_bytes(round(point.value)),
    )


def _leap_words(point: Point, names: Mapping[SiteId, str]) -> Text | None:
    if point.value < LEAP_S:
        return None
    return say(
        "Годинник ({place}) забіг наперед на {n} год. проти прожитого часу, тож за строком стирається лише те, що "
        "справді відбуло свій строк. Якщо дата правильна, це мине саме; якщо ні — перевірте NTP і батарейку годинника.",
        "The clock ({place}) is {n} h ahead of the time that was lived, so by age only what has truly served its term "
        "goes. If the date is right, this passes by itself; if not, check NTP and the clock's battery.",
        place=_place(point, names),
        n=round(point.value / 3600),
    )


def _odd_seal_words(point: Point) -> Text | None:
    if not point.value:
        return None
    told = dict(point.labels)
    return say(
        "{what} (камера «{camera}»). Перевірте записи в центрі: beket vms check --camera {camera}.",
        "{what} (camera “{camera}”). Check the recordings at the centre: beket vms check --camera {camera}.",
        what=_ODD_SEALS.get(told.get("reason", ""), _ODD_SEALS["forged"]),
        camera=told.get("camera", "?"),
    )


def _ill_disk_words(point: Point, names: Mapping[SiteId, str]) -> Text | None:
    if not point.value:
        return None
    return say(
        "Диск із записами ({place}) відмовляє або не під'єднаний. Запис іде на інший диск, якщо він є. Покличте "
        "відповідального за ІТ: нехай перевірить кабель і диск.",
        "A recording disk ({place}) fails or is not attached. Recording goes on to another one if there is. Let your "
        "IT person check its cable and the disk.",
        place=_place(point, names),
    )


def _spool_words(point: Point, names: Mapping[SiteId, str]) -> Text | None:
    if not point.value:
        return None
    return say(
        "Черга вимірів ({place}) переповнилась: втрачено {points}. Зв'язку з центром не було надто довго.",
        "The queue of samples ({place}) ran over: {n} lost. The line to the centre was away too long.",
        place=_place(point, names),
        points=counted(round(point.value), "вимір", "виміри", "вимірів"),
        n=round(point.value),
    )


def _clock_words(point: Point, names: Mapping[SiteId, str]) -> Text | None:
    if not point.value:
        return None
    minutes = round(abs(point.value) / 60)
    hours = minutes // 60
    how_far = say("{n} хв", "{n} min", n=minutes) if hours < 2 else say("{n} год", "{n} h", n=hours)
    return say(
        "Годинник агента ({place}) {direction} на {how_far}. Час вимірів виправлено; налаштуйте NTP.",
        "The clock of the agent ({place}) is {how_far} {direction}. Times of samples are corrected; set up NTP.",
        place=_place(point, names),
        direction=say("відстає", "behind") if point.value > 0 else say("поспішає", "ahead"),
        how_far=how_far,
    )


def _backup_words(point: Point, names: Mapping[SiteId, str]) -> Text | None:
    labels = dict(point.labels)
    reason = labels["reason"]
    if not point.value or reason in _FINE:
        return None
    return say(
        "Резервна копія «{plan}» ({place}): {why}. Попередні копії на місці; подробиці: beket backup status.",
        "Backup “{plan}” ({place}): {why}. Earlier copies are in place; details: beket backup status.",
        plan=labels["plan"],
        place=_place(point, names),
        why=_BACKUP_WORDS.get(reason, say("{reason}", "{reason}", reason=reason)),
    )


def _damaged_words(point: Point, names: Mapping[SiteId, str]) -> Text | None:
    if not point.value:
        return None
    return say(
        "У сховищі копій ({place}) пошкоджено файлів: {n}. Покличте відповідального за ІТ.",
        "The backup repository ({place}) has damaged files: {n}. Call your IT person.",
        place=_place(point, names),
        n=round(point.value),
    )


def _place(point: Point, names: Mapping[SiteId, str]) -> str | Text:
    site = dict(point.labels).get("site", CENTRE)
    return say("центр", "the centre") if site == CENTRE else names.get(SiteId(site), site)
