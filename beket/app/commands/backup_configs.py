"""`beket backup configs`: copies of gear configurations; keys, approve, take at a site, list, diff, open at the centre.

The two halves read different configurations: the agent's and the centre's. What logs in to gear is loaded at a site
alone: a centre has no paramiko.
"""

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from agents.hosts.config import GearConfig
from backup.configs.difference import spell, unified
from backup.configs.sealing import OpeningKey
from backup.configs.store import GOOD, KEPT_AT_CENTRE, ConfigStore, Copy
from backup.configs.view import moment, views_of
from beket.access.journal import Event
from beket.app.config import AgentConfig, CentreConfig
from beket.app.machine import operator
from beket.app.terminal import tell
from beket.app.wiring.access import open_access
from beket.app.wiring.agent_side import AgentFiles, InventoryOnDisk, load_identity
from beket.kernel import logs
from beket.kernel.clock import SystemClock
from beket.kernel.config import load
from beket.kernel.durable_file import create_file
from beket.kernel.errors import InvalidArgument, NotFound
from beket.kernel.ids import DeviceId
from beket.kernel.text import Language, say

AGENT_CONFIG, CENTRE_CONFIG = Path("/etc/beket/agent.toml"), Path("/etc/beket/centre.toml")
NOT_GOOD_EXIT_CODE = 1


def add_verb(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", language: Language) -> None:
    """Declare `configs` with its actions."""
    words = say("копії налаштувань пристроїв", "copies of gear configurations").to(language)
    actions = verbs.add_parser("configs", help=words).add_subparsers(
        dest="action", required=True, metavar="keys|approve|take|list|diff|open"
    )
    keys = actions.add_parser("keys", help=say("об'єкт: ключі пристроїв", "site: host keys").to(language))
    approve = actions.add_parser("approve", help=say("об'єкт: схвалити ключ", "site: approve a key").to(language))
    take = actions.add_parser("take", help=say("об'єкт: скопіювати зараз", "site: copy now").to(language))
    listing = actions.add_parser("list", help=say("центр: як стоять копії", "centre: how they stand").to(language))
    diff = actions.add_parser("diff", help=say("центр: що змінювали", "centre: what was changed").to(language))
    opening = actions.add_parser("open", help=say("центр: відкрити повну копію", "centre: open a copy").to(language))
    device = say("код пристрою", "the device's id").to(language)
    approve.add_argument("device", help=device)
    approve.add_argument("fingerprint", help=say("відбиток SHA256:…", "the fingerprint SHA256:…").to(language))
    take.add_argument("device", nargs="?", help=device)
    diff.add_argument("device", help=device)
    opening.add_argument("copy", help=say("код копії", "the copy's id").to(language))
    target = say("новий файл (0600) для повної копії", "new file (0600) for the full copy").to(language)
    opening.add_argument("--to", type=Path, required=True, metavar="FILE", help=target)
    for parser in (keys, approve, take, listing, diff, opening):
        words = say("файл налаштувань", "configuration file").to(language)
        parser.add_argument("--config", type=Path, default=argparse.SUPPRESS, metavar="FILE", help=words)


def run(parsed: argparse.Namespace) -> int:
    """Do what was asked.

    Raises:
        NotFound: no such device or copy, or the agent has not joined.
        DataLoss: the copy cannot be opened with the centre's key.
    """
    site: dict[str, Callable[[AgentConfig, argparse.Namespace], int]] = {
        "keys": _keys,
        "approve": _approve,
        "take": _take,
    }
    centre: dict[str, Callable[[CentreConfig, argparse.Namespace], int]] = {
        "list": _list,
        "diff": _diff,
        "open": _open,
    }
    if parsed.action in site:
        agent_config = load(parsed.config, AgentConfig)
        logs.configure(level="warning", style=agent_config.logs.style)
        return site[parsed.action](agent_config, parsed)
    path = CENTRE_CONFIG if parsed.config == AGENT_CONFIG else parsed.config
    config = load(path, CentreConfig)
    logs.configure(level="warning", style=config.logs.style)
    return centre[parsed.action](config, parsed)


def _keys(config: AgentConfig, _: argparse.Namespace) -> int:
    from beket.app.wiring.gear import GearFiles

    keys = GearFiles(AgentFiles(config.data)).host_keys
    for one in _listed(config):
        known = keys.of(DeviceId(one.device))
        approved = one.host_key or (known.approved.fingerprint() if known.approved else "")
        if approved:
            tell(say("{device}: схвалено {key}", "{device}: approved {key}", device=one.device, key=approved))
        if known.offered:
            shown = known.offered.fingerprint()
            tell(
                say(
                    "{device}: показав {key}; звірте й схваліть: beket backup configs approve {device} {key}",
                    "{device}: showed {key}; compare and approve: beket backup configs approve {device} {key}",
                    device=one.device,
                    key=shown,
                )
            )
        elif not approved:
            tell(say("{device}: ключа ще не бачили", "{device}: no key was seen yet", device=one.device))
    return 0


def _listed(config: AgentConfig) -> tuple[GearConfig, ...]:
    """The gear of this site, as the inventory lists it and the agent's file; the file alone before it joined."""
    from beket.app.wiring.gear import gear_at

    files = AgentFiles(config.data)
    try:
        return gear_at(config, InventoryOnDisk(files, load_identity(files).enrolled))
    except NotFound:
        return config.hosts.gear


def _approve(config: AgentConfig, parsed: argparse.Namespace) -> int:
    from beket.app.wiring.gear import GearFiles

    key = GearFiles(AgentFiles(config.data)).host_keys.approve(DeviceId(parsed.device), parsed.fingerprint)
    tell(
        say(
            "{device}: від тепер відомий за ключем {key}.",
            "{device}: is known by the key {key} from now on.",
            device=parsed.device,
            key=key.fingerprint(),
        )
    )
    return 0


def _take(config: AgentConfig, parsed: argparse.Namespace) -> int:
    from beket.app.wiring.gear import GearFiles, copier_of, public_key_of

    files = AgentFiles(config.data)
    identity = load_identity(files)
    wanted = [one for one in _listed(config) if parsed.device in (None, one.device)]
    if not wanted:
        raise NotFound(
            say(
                "Такого пристрою з командним рядком немає ні в переліку майна об'єкта, ні в [[hosts.gear]].",
                "Neither the site's inventory nor [[hosts.gear]] has such a device with a command line.",
            ),
            subject=parsed.device or "",
        )
    all_good = True
    with GearFiles(files).store() as store:
        key = public_key_of(identity, config.uplink, files)
        copier = copier_of(wanted, config, identity.enrolled.site, store, key, clock=SystemClock())
        for one in wanted:
            look = copier.look(DeviceId(one.device), one.family)
            tell(say("{device}: {words}", "{device}: {words}", device=one.device, words=look.reason))
            all_good &= look.outcome in GOOD
    return 0 if all_good else NOT_GOOD_EXIT_CODE


def _list(config: CentreConfig, _: argparse.Namespace) -> int:
    with ExitStack() as stack:
        store = _store(config, stack)
        views = views_of(store, wall_ns=SystemClock().wall_ns())
        for one in views:
            tell(
                say(
                    "{site} / {device}: {words}",
                    "{site} / {device}: {words}",
                    site=one.site,
                    device=one.device,
                    words=one.sentence,
                )
            )
    return 0 if all(one.is_well for one in views) else NOT_GOOD_EXIT_CODE


def _diff(config: CentreConfig, parsed: argparse.Namespace) -> int:
    with ExitStack() as stack:
        store = _store(config, stack)
        sites = [look.site for look in store.looks() if look.device == parsed.device]
        copies = [copy for site in sites for copy in store.history(site, parsed.device)]
        if not copies:
            raise NotFound(
                say("Копій цього пристрою немає.", "There is no copy of this device."), subject=parsed.device
            )
        for copy in reversed(copies):
            tell(
                say(
                    "{when}  {id}  +{added} −{removed}  {who}",
                    "{when}  {id}  +{added} −{removed}  {who}",
                    when=moment(copy.taken_ns),
                    id=copy.id,
                    added=copy.added,
                    removed=copy.removed,
                    who=copy.who,
                )
            )
            before = store.before(copy)
            if before is not None:
                tell(spell(unified(before.masked, copy.masked)).rstrip())
    return 0


def _open(config: CentreConfig, parsed: argparse.Namespace) -> int:
    with ExitStack() as stack:
        copy = _copy(_store(config, stack), parsed.copy)
        text = OpeningKey.load_or_create(config.keys / "gear.key").open(
            copy.sealed, device=copy.device, taken_ns=copy.sealed_ns
        )
        access = stack.enter_context(open_access(config, clock=SystemClock()))
        event = Event(
            actor=operator(), action="open-gear-configuration", subject=copy.device, details={"copy": copy.id}
        )
        access.journal.append(event)  # before anybody can read it
        try:
            create_file(parsed.to, text.encode("utf-8", "surrogatepass"))
        except FileExistsError:
            raise InvalidArgument(
                say("Такий файл уже є.", "The file is there already."), subject=str(parsed.to)
            ) from None
    tell(
        say(
            "Повна копія з паролями — у {file}. Видаліть її, коли не буде потрібна.",
            "The full copy, passwords and all, is in {file}. Delete it when it is not needed any more.",
            file=parsed.to,
        )
    )
    return 0


def _store(config: CentreConfig, stack: ExitStack) -> ConfigStore:
    store = ConfigStore(config.data / "configs.db", kept=KEPT_AT_CENTRE)
    stack.callback(store.close)
    return store


def _copy(store: ConfigStore, id_: str) -> Copy:
    copy = store.copy(id_)
    if copy is None:
        raise NotFound(say("Такої копії немає.", "There is no such copy."), subject=id_)
    return copy
