"""`beket snmp`: what Beket knows of a device or of a recording of one, and how to make such a recording."""

import argparse
import asyncio
import random
from pathlib import Path

from agents.network.device_poll import VERSIONS, DevicePolls, Reading, parse_address
from agents.network.icmp import Pinger
from agents.network.module_files import Module, join, load_module, load_own, load_shipped
from agents.network.snmp.backends import Backends
from agents.network.snmp.codec import Version
from agents.network.snmp.credentials import V3User, parse_v3_user
from agents.network.snmp.everything import Everything
from agents.network.snmp.oid import parse_oid
from agents.network.snmp.port import SnmpPort, Target
from agents.network.snmp.recording import load_recording, spell
from agents.network.snmp.redaction import Redaction
from agents.network.trial import Trial, Watched
from beket.app.terminal import tell
from beket.app.wiring.catalogue import full_catalogue
from beket.kernel.clock import SystemClock
from beket.kernel.errors import BeketError, InvalidArgument
from beket.kernel.ids import DeviceId, SiteId
from beket.kernel.inventory import Device
from beket.kernel.secrets import Secret, SecretFolder, read_secret_file
from beket.kernel.text import Language, say

SUFFIXES = (".snmprec", ".bz2")
DEADLINE_S = 900.0
# A person waits longer than a poller may.
TIMEOUT_S = 3.0


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    """Declare `try`, `capture` and `families`."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="try|capture|families")
    look = verbs.add_parser(
        "try", help=say("що Бекет знає про пристрій або його запис", "what is known of a device").to(language)
    )
    look.add_argument("device", help=say("адреса або файл .snmprec", "address, or a .snmprec file").to(language))
    take = verbs.add_parser(
        "capture", help=say("записати відповіді пристрою у файл", "write a device's answers to a file").to(language)
    )
    take.add_argument("device", help=say("адреса", "address").to(language))
    take.add_argument("file", type=Path, help=say("куди: файл .snmprec", "where to: a .snmprec file").to(language))
    families = verbs.add_parser("families", help=say("які пристрої відомі", "which gear is known").to(language))
    for one in (look, families):
        one.add_argument(
            "--modules",
            type=Path,
            metavar="PATH",
            help=say("ваш опис *.toml або тека з ними", "your own *.toml, or a folder of them").to(language),
        )
    for one in (look, take):
        one.add_argument("--snmp", choices=tuple(VERSIONS), default="v2c")
        one.add_argument(
            "--secret",
            type=Path,
            metavar="FILE",
            help=say("файл із паролем читання або користувачем v3", "file with the community or v3 user").to(language),
        )


def run(parsed: argparse.Namespace) -> int:
    """Carry out one verb. `try` returns 1 when nothing was known but ports, so that a script may ask."""
    if parsed.verb == "families":
        return _families(_modules(parsed.modules))
    if parsed.verb == "capture":
        return asyncio.run(_capture(parsed))
    return asyncio.run(_try(parsed, _modules(parsed.modules)))


def _modules(own: Path | None) -> list[Module]:
    """All modules.

    Raises:
        ConfigMistakes: a file of one's own has mistakes; all of them are listed.
    """
    catalogue = full_catalogue()
    if own is None:
        return load_shipped(catalogue)
    if own.is_dir():
        modules, mistakes = load_own(own, catalogue)
        if mistakes:
            raise mistakes[0]
        return join(load_shipped(catalogue), modules)
    return join(load_shipped(catalogue), [load_module(own, catalogue)])


def _families(modules: list[Module]) -> int:
    for module in modules:
        tell(f"{module.name:22} {module.title} ({module.source})")
    return 0


async def _try(parsed: argparse.Namespace, modules: list[Module]) -> int:
    clock, rng = SystemClock(), random.Random()  # noqa: S311 - jitter
    backends = Backends(clock=clock, rng=rng)
    pinger = Pinger(clock=clock, rng=rng)
    try:
        port: SnmpPort = backends
        if parsed.device.endswith(SUFFIXES):
            port, target = await asyncio.to_thread(load_recording, Path(parsed.device)), Target("recording")
        else:
            target = _target(parsed)
        watched = Watched(port)
        polls = DevicePolls(snmp=watched, pinger=pinger, modules=modules, secrets=SecretFolder(Path()), clock=clock)
        device = Device(id=DeviceId("tried"), site=SiteId("here"), name=parsed.device, address=parsed.device)
        reading = await polls.read(device, target)
    finally:
        backends.close()
        pinger.close()
    for line in Trial(modules, reading, watched).lines():
        tell(line)
    return _exit_code(reading)


def _exit_code(reading: Reading) -> int:
    if not reading.snmp_is_up and reading.error:
        return reading.error.handling.exit_code
    return 0 if len(reading.modules) > 1 else 1


async def _capture(parsed: argparse.Namespace) -> int:
    file: Path = parsed.file
    if file.suffix != ".snmprec":
        raise InvalidArgument(say("Файл запису має зватися *.snmprec.", "A recording is named *.snmprec."))
    if file.exists():
        raise InvalidArgument(say("Файл {f} уже є.", "{f} is there already.", f=file))
    target = _target(parsed)
    backends = Backends(clock=SystemClock(), rng=random.Random())  # noqa: S311 - jitter
    try:
        found = await backends.everything(target, parse_oid("1.3"))
    finally:
        backends.close()
    if not found.rows and found.error:
        raise found.error
    kept = await asyncio.to_thread(_write, file, found, _secrets_of(target))
    tell(
        say(
            "Записано {kept} значень із {all}: {f}. Адреси, номери, імена й паролі замінено або вилучено.",
            "{kept} values of {all} written: {f}. Addresses, numbers, names and passwords were replaced or left out.",
            kept=kept,
            all=len(found.rows),
            f=file,
        )
    )
    tell(
        say(
            "Перегляньте файл, перш ніж комусь його дати: виробник міг покласти будь-що будь-куди.",
            "Look the file through before you give it away: the maker may have put anything anywhere.",
        )
    )
    if found.error:
        tell(found.error.sentence())
        return found.error.handling.exit_code
    return 0


def _write(file: Path, found: Everything, secrets: list[str]) -> int:
    serials = {
        name
        for module in load_shipped(full_catalogue())
        for name, fact in module.facts.items()
        if fact.fact == "serial"
    }
    kept = 0
    with file.open("x", encoding="ascii") as lines:
        for row in Redaction(secrets=secrets, serials=serials).redact(found.rows):
            try:
                lines.write(f"{spell(row)}\n")
            except BeketError:
                continue  # a type that the form does not know
            kept += 1
    return kept


def _target(parsed: argparse.Namespace) -> Target:
    host, port = parse_address(parsed.device)
    version = VERSIONS[parsed.snmp]
    secret = read_secret_file(parsed.secret) if parsed.secret else Secret("public")
    if version is Version.V3:
        user = parse_v3_user(secret, str(parsed.secret))
        return Target(host, port, version, user=user, timeout_s=TIMEOUT_S, attempts=2, deadline_s=DEADLINE_S)
    return Target(host, port, version, secret, timeout_s=TIMEOUT_S, attempts=2, deadline_s=DEADLINE_S)


def _secrets_of(target: Target) -> list[str]:
    user = target.user
    if isinstance(user, V3User):
        passwords = [one.reveal() for one in (user.auth_password, user.priv_password) if one]
        return [user.name, *passwords]
    return [target.community.reveal()]
