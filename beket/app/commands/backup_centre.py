"""The centre's verbs of `beket backup`: hosts, serve, escrow, forget, second, guest, drop; on its machine."""

import argparse
import asyncio
import datetime
import random
import sys
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from backup.acts.page import conclusion
from backup.acts.record import Verdict
from backup.escrow.envelope import open_envelope
from backup.escrow.recovery_key import new_recovery_key, read_recovery_key
from backup.escrow.sheet import Sheet, render
from backup.repository import second_copy, upkeep
from backup.repository.freshness import Shelf
from backup.repository.keyring import Holder, Keyring
from backup.repository.ledger import Ledger
from backup.repository.overview import contents_of, forecast, recovery_words, views_of
from backup.repository.second_copy import SecondPlace
from backup.repository.standing import Standing
from backup.restic.events import Snapshot
from backup.restic.outcome import Outcome, OutcomeKind
from backup.sentence import KYIV, spell_day
from beket.access.journal import Event
from beket.access.store import AccessStore
from beket.app import process
from beket.app.config import CentreConfig
from beket.app.machine import operator
from beket.app.process import run_until
from beket.app.terminal import tell
from beket.app.wiring.access import open_access
from beket.app.wiring.backup_view import free_bytes_at
from beket.app.wiring.inventory import open_inventory
from beket.app.wiring.repository_service import open_keyring, open_service, second_place, service_units
from beket.kernel import logs
from beket.kernel.clock import SystemClock, utc
from beket.kernel.config import load
from beket.kernel.durable_file import create_file
from beket.kernel.errors import BeketError, InvalidArgument, InvalidConfig, NotFound
from beket.kernel.ids import check_slug, is_slug
from beket.kernel.secrets import Secret
from beket.kernel.text import Language, Text, language_of_environment, say

VERBS = frozenset({"hosts", "serve", "escrow", "forget", "second", "guest", "drop"})
CONFIG = Path("/etc/beket/centre.toml")
SHOWN_SNAPSHOTS = 20


@dataclass(frozen=True, slots=True)
class _Centre:
    config: CentreConfig
    access: AccessStore
    ledger: Ledger
    clock: SystemClock

    def now_at(self) -> datetime.datetime:
        return utc(self.clock.wall_ns())

    def journal(self, action: str, host: str) -> None:
        self.access.journal.append(Event(actor=operator(), action=action, subject=host))


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", language: Language) -> None:
    """Declare the centre's verbs; each takes the centre's configuration."""
    hosts = verbs.add_parser("hosts", help=say("центр: як стоять копії всіх", "centre: how all stand").to(language))
    serving = verbs.add_parser(
        "serve", help=say("центр: сервер сховищ окремо", "centre: the server alone").to(language)
    )
    escrow = verbs.add_parser("escrow", help=say("центр: аркуш відновлення", "centre: recovery sheet").to(language))
    forget = verbs.add_parser("forget", help=say("центр: забути старі копії", "centre: forget old ones").to(language))
    second = verbs.add_parser("second", help=say("центр: друга копія зараз", "centre: second copy now").to(language))
    guest = verbs.add_parser("guest", help=say("центр: місце для копій сусідів", "centre: a neighbour").to(language))
    drop = verbs.add_parser("drop", help=say("центр: сховища більше не буде", "centre: no more of it").to(language))
    for parser in (hosts, serving, escrow, forget, second, guest, drop):
        words = say("файл налаштувань центру", "the centre's configuration file").to(language)
        parser.add_argument("--config", type=Path, default=argparse.SUPPRESS, metavar="FILE", help=words)
    for parser in (escrow, forget, drop):
        parser.add_argument("host", help=say("чиї копії: назва сховища", "whose: the repository's name").to(language))
    act = escrow.add_mutually_exclusive_group(required=True)
    sheet = say("скласти новий аркуш у цей файл", "write a new sheet to this file").to(language)
    act.add_argument("--sheet", type=Path, metavar="FILE", help=sheet)
    tried = say("набрати ключ з аркуша й перевірити", "type the sheet's key and try it").to(language)
    act.add_argument("--try", dest="try_key", action="store_true", help=tried)
    prepare = say("місце нове: позначити теку диска, створити сховища", "a new place: mark it").to(language)
    second.add_argument("--prepare", action="store_true", help=prepare)
    check = say("перечитати всі файли на диску й звірити їх", "read every file on the disk and compare").to(language)
    second.add_argument("--check", action="store_true", help=check)
    guest.add_argument("name", help=say("код сусідньої громади", "the neighbour's id").to(language))
    address = say("куди записати адресу з паролем (0600)", "file for the address, login and all").to(language)
    guest.add_argument("--address-file", type=Path, required=True, metavar="FILE", help=address)
    yes = say("забути показане, не питаючи", "forget what is shown, unasked").to(language)
    forget.add_argument("--yes", action="store_true", help=yes)
    many = say("згода, навіть якщо їх більше половини", "even when they are more than half").to(language)
    forget.add_argument("--many", action="store_true", help=many)


def run(parsed: argparse.Namespace, *, agent_default: Path) -> int:
    """Do what was asked.

    Raises:
        NotFound: no such repository, or restic is not installed.
        WorkFailed: restic could not do it.
    """
    config = load(CONFIG if parsed.config == agent_default else parsed.config, CentreConfig)
    logs.configure(level="info" if parsed.verb == "serve" else "warning", style=config.logs.style)
    works = {
        "hosts": _hosts,
        "serve": _serve,
        "escrow": _escrow,
        "forget": _forget,
        "second": _second,
        "guest": _guest,
        "drop": _drop,
    }
    return asyncio.run(_with_centre(config, parsed, works[parsed.verb]))


async def _with_centre(
    config: CentreConfig,
    parsed: argparse.Namespace,
    work: Callable[[_Centre, argparse.Namespace], Coroutine[None, None, int]],
) -> int:
    clock = SystemClock()
    with ExitStack() as stack:
        access = stack.enter_context(open_access(config, clock=clock))
        ledger = Ledger(config.data / "repositories.db")
        stack.callback(ledger.close)
        return await work(_Centre(config, access, ledger, clock), parsed)


async def _hosts(centre: _Centre, _: argparse.Namespace) -> int:
    folder = centre.config.repositories.folder
    wall_ns = centre.clock.wall_ns()
    contents = contents_of(folder, centre.ledger, Shelf(), wall_ns=wall_ns)
    views = views_of(centre.ledger, contents, wall_ns=wall_ns)
    if not views:
        tell(say("У центрі ще немає жодного сховища копій.", "There is no repository at the centre yet."))
        return 0
    for view in views:
        tell(say("{host}: {words}.", "{host}: {words}.", host=view.host, words=view.words))
        for plan in view.plans:
            tell(say("  {sentence}", "  {sentence}", sentence=plan.sentence))
        if view.standing is not Standing.ELSEWHERE:
            tell(say("  {words}", "  {words}", words=recovery_words(view.recovery, centre.now_at())))
        if view.second_ns is not None:
            when = spell_day(utc(view.second_ns), centre.now_at())
            tell(say("  Другу копію звірено {when}.", "  The second copy was proven {when}.", when=when))
        for trouble in view.troubles:
            tell(say("  {words}", "  {words}", words=trouble))
        if view.damaged:
            tell(say("  Пошкоджено файлів: {n}.", "  Damaged files: {n}.", n=view.damaged))
    tell(forecast(views, free_bytes_at(folder), centre.now_at()))
    return 0


async def _serve(centre: _Centre, _: argparse.Namespace) -> int:
    stop = process.stop_on_signals()
    service = await open_service(centre.config, centre.access, centre.ledger, clock=centre.clock)
    if service is None:
        raise InvalidConfig(
            say("Сервер сховищ вимкнено.", "The repository server is turned off."), subject="repositories.service"
        )
    rng = random.Random()  # noqa: S311 - jitter
    units = service_units(centre.config, service, centre.access, clock=centre.clock, rng=rng)
    await run_until(stop, dict(units))
    return 0


async def _escrow(centre: _Centre, parsed: argparse.Namespace) -> int:
    keyring = await _keyring(centre, parsed.host)
    if parsed.try_key:
        key = read_recovery_key(_asked(say("Ключ з аркуша: ", "The sheet's key: ")))
        return await _try_key(centre, keyring, parsed, key)
    sheet = Sheet(
        community=centre.config.community.name,
        host=parsed.host,
        place=_place_of(centre, parsed.host),
        repository=keyring.repository(parsed.host).location,
        key=new_recovery_key(),
        made_at=centre.now_at(),
    )
    centre.journal("make-recovery-key", parsed.host)
    # The file first: with a key that stands on no paper the old sheet would be worthless for nothing.
    _write_private(parsed.sheet, render(sheet))
    with ExitStack() as undo:
        undo.callback(_unmake_sheet, centre, parsed, _recovery_keys(centre, parsed.host))
        only_one = await keyring.replace_key(parsed.host, Holder.RECOVERY, sheet.key)
    tell(
        say(
            "Аркуш: {file}. Роздрукуйте його, зітріть файл, покладіть аркуш у сейф.",
            "The sheet: {file}. Print it, delete the file, put the sheet into a safe.",
            file=parsed.sheet,
        )
    )
    if only_one:
        tell(say("Попередній аркуш, якщо був, більше не діє.", "An earlier sheet, if any, is void."))
    else:
        tell(say("Попередній аркуш ще діє: сховище зайняте.", "The earlier sheet still works: the repository is busy."))
    await _open_second_copy_too(centre, keyring, parsed.host, sheet.key)
    return 0


def _unmake_sheet(centre: _Centre, parsed: argparse.Namespace, earlier: set[str]) -> None:
    """Take the sheet away, unless its key is known: from then on the old ones go, and it is this one that opens."""
    if _recovery_keys(centre, parsed.host) <= earlier:
        parsed.sheet.unlink(missing_ok=True)


def _recovery_keys(centre: _Centre, host: str) -> set[str]:
    return {one.key for one in centre.ledger.known_keys() if (one.host, one.holder) == (host, Holder.RECOVERY)}


async def _open_second_copy_too(centre: _Centre, keyring: Keyring, host: str, key: Secret) -> None:
    """Let the key on paper open the second copy. It is kept nowhere else, so what fails waits for the next trial."""
    if not centre.config.repositories.second.is_on:
        return
    place = second_place(centre.config)
    try:
        if not await asyncio.to_thread(place.is_there):
            raise NotFound(second_copy.DISK_IS_AWAY)
        await keyring.add_key_to(place.repository(host, keyring), key)
    except BeketError as error:
        tell(
            say(
                "Цей аркуш другої копії ще не відкриває. {why} Коли вона буде на місці, наберіть ключ з аркуша: "
                "beket backup escrow {host} --try",
                "This sheet does not open the second copy yet. {why} Once that is in place, type the sheet's key: "
                "beket backup escrow {host} --try",
                why=error.sentence(),
                host=host,
            )
        )
        return
    tell(say("Аркуш відкриває й другу копію.", "The sheet opens the second copy too."))


async def _try_key(centre: _Centre, keyring: Keyring, parsed: argparse.Namespace, key: Secret) -> int:
    centre.journal("try-recovery-key", parsed.host)
    folder = centre.config.data / "sandbox" / f"envelope-{parsed.host}"
    tried = await open_envelope(keyring, parsed.host, key, folder, by=operator())
    if isinstance(tried, Outcome):
        is_open = tried.kind is OutcomeKind.OK
        tell(say("Ключ відкриває сховище.", "The key opens it.") if is_open else tried.reason)
    else:
        is_open = tried.verdict is Verdict.PROVEN
        opens = say(
            "Ключ відкриває сховище, і файл з копії повернувся. Акт № {number} — на сторінці «Копії».",
            "The key opens it, and a file came back. Act No. {number} is on the backups page.",
            number=tried.name,
        )
        tell(opens if is_open else conclusion(tried))
    if is_open:
        await _open_second_copy_too(centre, keyring, parsed.host, key)
        tell(say("Запишіть дату на конверті.", "Write the date on the envelope."))
    return 0 if is_open else 1


async def _forget(centre: _Centre, parsed: argparse.Namespace) -> int:
    keyring = await _keyring(centre, parsed.host)
    keep = centre.config.repositories.keep
    decision, snapshots = await upkeep.what_would_go(keyring, parsed.host, keep, many_are_fine=parsed.many)
    if decision.refusal:
        tell(decision.refusal)
        return 1
    if not decision.remove:
        tell(say("Забувати нічого: лишаються всі {n}.", "Nothing to forget: all {n} stay.", n=decision.kept))
        return 0
    _show({one.id: one for one in snapshots}, decision.remove)
    tell(say("Забути: {n}; лишиться: {kept}.", "Forget {n}; {kept} stay.", n=len(decision.remove), kept=decision.kept))
    if not parsed.yes and not _agreed():
        tell(say("Нічого не змінено.", "Nothing was changed."))
        return 0
    centre.journal("forget-snapshots", parsed.host)
    outcome = await upkeep.forget(keyring, parsed.host, decision.remove)
    tell(outcome.reason)
    return 0 if outcome.kind is OutcomeKind.OK else 1


async def _second(centre: _Centre, parsed: argparse.Namespace) -> int:
    if not centre.config.repositories.second.is_on:
        raise InvalidConfig(
            say("Місця для другої копії не вказано.", "No place for a second copy is named."),
            subject="repositories.second",
        )
    place = second_place(centre.config)
    if parsed.prepare:
        place.prepare()
    if parsed.check:
        return await asyncio.to_thread(_check_second, centre, place)
    keyring = await open_keyring(centre.config, centre.ledger, clock=centre.clock)
    worst = 0
    for host in [one.host for one in centre.ledger.hosts() if keyring.is_made(one.host)]:
        outcome = await second_copy.copy_host(keyring, host, place, is_new_place=parsed.prepare)
        tell(say("{host}: {reason}", "{host}: {reason}", host=host, reason=outcome.reason))
        worst |= outcome.kind is not OutcomeKind.OK
    return int(worst)


def _check_second(centre: _Centre, place: SecondPlace) -> int:
    if place.folder is None or not place.is_there():
        raise NotFound(second_copy.DISK_IS_AWAY)
    damaged = 0
    for host, damage in second_copy.damage_on(place.folder, wall_ns=centre.clock.wall_ns()):
        damaged += 1
        tell(say("{host}: пошкоджено {file}", "{host}: damaged {file}", host=host, file=damage.file))
    if not damaged:
        tell(say("Усе на диску таке, як було записано.", "All on the disk is as it was written."))
    return 65 if damaged else 0


async def _guest(centre: _Centre, parsed: argparse.Namespace) -> int:
    service = await open_service(centre.config, centre.access, centre.ledger, clock=centre.clock)
    if service is None:
        raise InvalidConfig(
            say("Сервер сховищ вимкнено.", "The repository server is turned off."), subject="repositories.service"
        )
    check_slug(parsed.name, place="name")
    centre.journal("let-guest-in", parsed.name)
    address = service.admit_guest(parsed.name, address=centre.config.agents.names[0])
    _write_private(parsed.address_file, address)
    tell(
        say(
            "Передайте сусідам особисто: {file} (пароль) і {certificate} (сертифікат).",
            "Hand over to the neighbours in person: {file} (a password) and {certificate} (the certificate).",
            file=parsed.address_file,
            certificate=service.certificate,
        )
    )
    quota_gib = centre.config.repositories.service.guest_quota_gib
    if quota_gib:
        tell(
            say(
                "Їм дозволено {n} ГіБ; інше число — [repositories.service] guest_quota_gib.",
                "They may take {n} GiB; for another number see [repositories.service] guest_quota_gib.",
                n=f"{quota_gib:g}",
            )
        )
    return 0


async def _drop(centre: _Centre, parsed: argparse.Namespace) -> int:
    folder = centre.config.repositories.folder / check_slug(parsed.host, place="host")
    if folder.exists():
        raise InvalidArgument(
            say("Сховище ще є. Приберіть спершу його теку.", "It is still there. Remove its folder first."),
            subject=str(folder),
        )
    if parsed.host not in {host.host for host in centre.ledger.hosts()}:
        raise NotFound(say("Такого сховища ніколи не було.", "There never was such a repository."), subject=parsed.host)
    centre.journal("drop-repository", parsed.host)
    centre.ledger.drop_host(parsed.host)
    tell(say("Про це сховище більше не питаємо.", "Nothing is asked of it any more."))
    return 0


async def _keyring(centre: _Centre, host: str) -> Keyring:
    keyring = await open_keyring(centre.config, centre.ledger, clock=centre.clock)
    if not is_slug(host) or not keyring.is_made(host):
        known = ", ".join(one.host for one in centre.ledger.hosts() if keyring.is_made(one.host)) or "—"
        raise NotFound(
            say("Немає сховища «{host}», яке зробив центр.", "The centre made no repository “{host}”.", host=host),
            hint=say("Є такі: {known}.", "There are: {known}.", known=known),
        )
    return keyring


def _place_of(centre: _Centre, host: str) -> str:
    site = next((one.site for one in centre.ledger.hosts() if one.host == host), host)
    with open_inventory(centre.config, clock=centre.clock) as inventory:
        return next((one.name for one in inventory.current().sites if one.id == site), site)


def _write_private(path: Path, content: str) -> None:
    try:
        create_file(path.absolute(), content.encode())
    except FileExistsError:
        raise InvalidArgument(say("Такий файл уже є.", "The file exists already."), subject=str(path)) from None


def _show(snapshots: dict[str, Snapshot], ids: tuple[str, ...]) -> None:
    for one in ids[:SHOWN_SNAPSHOTS]:
        snapshot = snapshots[one]
        tell(f"  {snapshot.made_at().astimezone(KYIV):%d.%m.%Y %H:%M}  {one[:8]}  {', '.join(snapshot.paths)[:80]}")
    if len(ids) > SHOWN_SNAPSHOTS:
        tell(say("  … і ще {n}", "  … and {n} more", n=len(ids) - SHOWN_SNAPSHOTS))


def _agreed() -> bool:
    return _asked(say("Забути їх? (так/ні): ", "Forget them? (yes/no): ")).strip().lower() in ("так", "т", "yes", "y")


def _asked(question: Text) -> str:
    print(question.to(language_of_environment()), end="", file=sys.stderr, flush=True)
    return sys.stdin.readline()
