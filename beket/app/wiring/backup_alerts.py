"""Puts backups among the alerts: what is wrong with a host's copies, and what of it a dark site explains.

Pure, but for `backup_conditions`, which asks.
"""

from collections.abc import Callable, Sequence

from backup.repository.overview import HostView, Proof
from backup.repository.standing import Standing
from beket.kernel.ids import SiteId
from beket.kernel.inventory import Site
from beket.kernel.ports import InventoryView
from beket.kernel.text import Text, say
from collector.rules import wording
from collector.rules.condition import Condition, Words, alert_key, said
from collector.rules.judge import SITE_DARK, SITE_SILENT
from collector.rules.standing import Timing

DAMAGED, GONE, KEYS = "backup-damaged", "backup-gone", "backup-keys"
UNRESTORABLE, UNPROVEN, ENVELOPE = "backup-unrestorable", "backup-unproven", "backup-envelope"
LATE, SILENT, LYING = "backup-late", "backup-silent", "backup-lying"
# Standings are judged by hours, and a key that the centre is just making stands in its ledger a moment later: a look or
# two more costs nothing and spares a false word.
TIMING = Timing(for_s=60, keep_firing_for_s=60, gap_max_s=120)
# The first drill follows the first copy within minutes; a host that was off in between gets some hours.
UNPROVEN_TIMING = Timing(for_s=6 * 3600, keep_firing_for_s=60, gap_max_s=24 * 3600)
UNPROVEN_PROOFS = (Proof.NEVER, Proof.STALE)
AT_ONCE = Timing(for_s=0, keep_firing_for_s=60, gap_max_s=120)


def backup_conditions(
    views: Callable[[], Sequence[HostView]], inventory: InventoryView, *, contact: str
) -> list[Condition]:
    """What the rules of backups say now, for each host with a repository here. Blocking."""
    sites = {str(site.id): site for site in inventory.current().sites}
    return [one for view in views() for one in conditions_of(view, sites.get(view.site), contact=contact)]


def conditions_of(view: HostView, site: Site | None, *, contact: str) -> list[Condition]:
    """What each rule says of one host."""
    place = wording.place(site) if site else say("{host}", "{host}", host=view.host)
    call = wording.whom_to_call(contact, site) if site else _anybody(contact)
    dark = (alert_key(SITE_SILENT, view.site), alert_key(SITE_DARK, view.site))

    def about(rule: str, holds: bool, timing: Timing, words: Words, parents: tuple[str, ...] = ()) -> Condition:
        return Condition(rule, view.host, SiteId(view.site), holds, timing, parents, words if holds else None)

    return [
        about(DAMAGED, view.damaged > 0, AT_ONCE, _damaged(place, view.damaged, call)),
        about(GONE, view.standing is Standing.GONE, TIMING, _gone(place, call)),
        about(LYING, view.standing is Standing.LYING, TIMING, _lying(place, call)),
        about(SILENT, view.standing is Standing.SILENT, TIMING, _silent(place, call), dark),
        about(LATE, view.standing is Standing.LATE, TIMING, _late(place, view, call), dark),
        about(UNRESTORABLE, bool(_plans(view, Proof.WRONG)), AT_ONCE, _unrestorable(place, view, call)),
        about(UNPROVEN, bool(_plans(view, *UNPROVEN_PROOFS)), UNPROVEN_TIMING, _unproven(place, view, call), dark),
        about(ENVELOPE, view.envelope_is_due, TIMING, _envelope(place, call)),
        about(KEYS, view.unknown_keys > 0, TIMING, _keys(place, view.unknown_keys, call)),
    ]


def _plans(view: HostView, *proofs: Proof) -> str:
    return ", ".join(plan.name for plan in view.plans if plan.proof in proofs)


def _anybody(contact: str) -> Text:
    if contact:
        return say("{contact}", "{contact}", contact=contact)
    return say("Відповідальний за ІТ у громаді.", "Whoever looks after IT in the community.")


def _damaged(place: Text, files: int, call: Text) -> Words:
    return Words(
        title=said(say("Пошкоджене сховище копій — {place}", "Damaged backups: {place}", place=place)),
        what=said(
            say(
                "У сховищі копій ({place}) файлів, що вже не такі, якими їх записано: {n}.",
                "In the repository of {place} {n} files are not what was written.",
                place=place,
                n=files,
            )
        ),
        why=said(say("Псується диск центру, або файли хтось змінив.", "The disk fails, or somebody changed them.")),
        todo=said(
            say(
                "Нічого не стирайте. Перевірте диск центру й зробіть копії на інший диск.",
                "Delete nothing. Check the centre's disk and copy to another one.",
            )
        ),
        call=said(call),
        over=said(say("Сховище копій знову ціле — {place}", "Backups are whole again: {place}", place=place)),
    )


def _gone(place: Text, call: Text) -> Words:
    return Words(
        title=said(say("Сховища копій немає на місці — {place}", "A repository is gone: {place}", place=place)),
        what=said(
            say("У центрі немає теки з копіями ({place}).", "The folder of copies is away ({place}).", place=place)
        ),
        why=said(say("Диск центру від'єднано, або теку хтось прибрав.", "Its disk is away, or somebody removed it.")),
        todo=said(say("Під'єднайте диск із копіями й нічого не створюйте на його місці.", "Connect the disk.")),
        call=said(call),
        over=said(say("Сховище копій знову на місці — {place}", "The repository is back: {place}", place=place)),
    )


def _lying(place: Text, call: Text) -> Words:
    return Words(
        title=said(say("Копії немає там, де має бути, — {place}", "A copy is not in place: {place}", place=place)),
        what=said(
            say(
                "Комп'ютер ({place}) каже, що копію зробив, але в центрі її немає.",
                "The host at {place} says that it copied, but nothing came to the centre.",
                place=place,
            )
        ),
        why=said(
            say(
                "Копія пішла в інше місце, файли сховища зникли, або комп'ютер каже неправду.",
                "It went elsewhere, files of the repository are gone, or the host does not tell the truth.",
            )
        ),
        todo=said(
            say(
                "Перевірте на тому комп'ютері: beket backup status. Подивіться, чи не чіпали теку сховищ.",
                "At that host run: beket backup status. See whether somebody touched the repositories.",
            )
        ),
        call=said(call),
        over=said(say("Копія знову на місці — {place}", "The copy is in place again: {place}", place=place)),
    )


def _silent(place: Text, call: Text) -> Words:
    return Words(
        title=said(say("Копії не надходять — {place}", "No copies come: {place}", place=place)),
        what=said(
            say(
                "Комп'ютер ({place}) мовчить, і його копія вже стара.",
                "The host at {place} is silent and its copy is old.",
                place=place,
            )
        ),
        why=said(say("Він вимкнений, без інтернету, або програма зупинена.", "It is off, offline, or stopped.")),
        todo=said(say("Увімкніть його; копія зробиться сама.", "Turn it on; the copy is made by itself.")),
        call=said(call),
        over=said(say("Копії знову надходять — {place}", "Copies come again: {place}", place=place)),
    )


def _late(place: Text, view: HostView, call: Text) -> Words:
    names = ", ".join(plan.name for plan in view.plans if not plan.is_well) or view.host
    return Words(
        title=said(say("Копія запізнюється — {place}", "A copy is late: {place}", place=place)),
        what=said(
            say(
                "Свіжої копії немає ({place}): {names}.",
                "There is no fresh copy ({place}): {names}.",
                place=place,
                names=names,
            )
        ),
        why=said(say("Причину каже сам комп'ютер: сторінка «Копії».", "The host tells why: the page “Копії”.")),
        todo=said(say("Подивіться на сторінку «Копії» й зробіть, що там сказано.", "Do what the page “Копії” says.")),
        call=said(call),
        over=said(say("Копія знову свіжа — {place}", "The copy is fresh again: {place}", place=place)),
    )


def _unrestorable(place: Text, view: HostView, call: Text) -> Words:
    names = _plans(view, Proof.WRONG)
    return Words(
        title=said(say("Копія не відновлюється — {place}", "A copy does not come back: {place}", place=place)),
        what=said(
            say(
                "Перевірка відновлення не вдалася ({place}): {names}.",
                "A restore drill failed at {place}: {names}.",
                place=place,
                names=names,
            )
        ),
        why=said(say("Причину сказано в акті перевірки: сторінка «Копії».", "The act tells why: the page “Копії”.")),
        todo=said(
            say(
                "Не стирайте старих копій. Відкрийте акт і зробіть, що там сказано; потім зробіть копію ще раз.",
                "Delete no old copies. Read the act and do what it says; then copy once more.",
            )
        ),
        call=said(call),
        over=said(say("Копія знову відновлюється — {place}", "The copy comes back again: {place}", place=place)),
    )


def _unproven(place: Text, view: HostView, call: Text) -> Words:
    names = _plans(view, *UNPROVEN_PROOFS)
    return Words(
        title=said(say("Відновлення не перевірено — {place}", "Restoring is not proven: {place}", place=place)),
        what=said(
            say(
                "Копії є, але давно ніхто не перевіряв, чи вони відновлюються ({place}): {names}.",
                "There are copies, but nobody has tried for long whether they come back ({place}): {names}.",
                place=place,
                names=names,
            )
        ),
        why=said(
            say("Комп'ютер вимикають раніше, або йому бракує місця чи часу.", "It is off, or lacks room or time.")
        ),
        todo=said(
            say(
                "На тому комп'ютері виконайте: beket backup drill — і прочитайте, що він скаже.",
                "At that host run: beket backup drill, and read what it says.",
            )
        ),
        call=said(call),
        over=said(say("Відновлення перевірено — {place}", "Restoring is proven: {place}", place=place)),
    )


def _envelope(place: Text, call: Text) -> Words:
    return Words(
        title=said(say("Час відкрити конверт — {place}", "Time to open the envelope: {place}", place=place)),
        what=said(
            say(
                "Ключ відновлення з паперового аркуша ({place}) не перевіряли понад квартал.",
                "The recovery key on paper of {place} was not tried for over a quarter.",
                place=place,
            )
        ),
        why=said(say("Аркуш міг загубитися або вицвісти.", "The sheet may be lost or faded.")),
        todo=said(
            say(
                "Відкрийте конверт і на центрі виконайте: beket backup escrow … --try. Заклейте новий конверт.",
                "Open the envelope and run at the centre: beket backup escrow … --try. Seal it again.",
            )
        ),
        call=said(call),
        over=said(say("Ключ відновлення перевірено — {place}", "The recovery key was tried: {place}", place=place)),
    )


def _keys(place: Text, keys: int, call: Text) -> Words:
    return Words(
        title=said(say("Чужий ключ до копій — {place}", "A strange key to backups: {place}", place=place)),
        what=said(
            say(
                "Сховище копій ({place}) відкривають ключі, яких центр не робив: {n}.",
                "Keys that the centre did not make open the backups of {place}: {n}.",
                place=place,
                n=keys,
            )
        ),
        why=said(say("Хтось додав ключ із того комп'ютера або з центру.", "Somebody added it, there or here.")),
        todo=said(
            say(
                "З'ясуйте, хто і навіщо. Якщо ніхто не зізнається, вважайте той комп'ютер зламаним.",
                "Find out who and why. If nobody knows, take that host for broken into.",
            )
        ),
        call=said(call),
        over=said(say("Чужого ключа до копій більше немає — {place}", "The strange key is gone: {place}", place=place)),
    )
