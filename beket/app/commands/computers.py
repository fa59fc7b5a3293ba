"""`beket computers`: what the community's computers are, what changed, and the lists for reuse, write-off, purchase."""

import argparse
import sys
from pathlib import Path

from beket.app.commands import arguments
from beket.app.config import CentreConfig
from beket.app.terminal import tell
from beket.app.wiring.computers import computers_view
from beket.app.wiring.inventory import inventory_in, open_facts
from beket.kernel.clock import SystemClock, utc
from beket.kernel.config import load
from beket.kernel.ids import AgentId, SiteId
from beket.kernel.text import Language, say
from collector.assets.lists import FATE_WORDS, ListKind
from collector.assets.store import ComputerStore
from collector.assets.view import FORMATS, ComputersView

EVENTS_SHOWN = 50


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    """Declare `show`, `events`, `list` and `remove`."""
    arguments.add_config(parser, language, default="/etc/beket/centre.toml")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="show|events|list|remove")
    verbs.add_parser("show", help=say("усі комп'ютери й що з ними не так", "all, and what is not well").to(language))
    verbs.add_parser("events", help=say("що змінилося", "what changed").to(language))
    listing = verbs.add_parser("list", help=say("список у файл", "write a list to a file").to(language))
    listing.add_argument("kind", choices=[kind.value for kind in ListKind])
    listing.add_argument("file_format", choices=FORMATS)
    listing.add_argument("file", type=Path, help=say("файл; «-» — на вихід", "file; “-” for output").to(language))
    removing = verbs.add_parser("remove", help=say("забути комп'ютер, якого вже немає", "forget one").to(language))
    removing.add_argument("agent")


def run(parsed: argparse.Namespace) -> int:
    """Carry out one verb."""
    config, clock = load(parsed.config, CentreConfig), SystemClock()
    with open_facts(config) as facts:
        store = ComputerStore(facts, clock=clock)
        if parsed.verb == "remove":
            store.remove(AgentId(parsed.agent))
            tell(say("Вилучено: {agent}", "Removed: {agent}", agent=parsed.agent))
            return 0
        view = computers_view(config.computers, store, inventory_in(facts, config, clock=clock), clock=clock)
        if parsed.verb == "list":
            return _write(parsed.file, view.file(ListKind(parsed.kind), parsed.file_format, _all))
        return _events(view) if parsed.verb == "events" else _show(view)


def _all(_site: SiteId) -> bool:
    return True


def _show(view: ComputersView) -> int:
    for one in view.judged(_all):
        tell(
            say(
                "{name} ({agent}), {place}: {fate}",
                "{name} ({agent}), {place}: {fate}",
                name=one.computer.name,
                agent=one.computer.agent,
                place=one.place,
                fate=FATE_WORDS[one.fate],
            )
        )
        for finding in one.findings:
            tell(say("  • {reason}", "  • {reason}", reason=finding.reason))
    return 0


def _events(view: ComputersView) -> int:
    for event in view.events(_all, limit=EVENTS_SHOWN):
        moment = utc(event.wall_ns).isoformat(timespec="minutes")
        tell(
            say(
                "{moment} {name}: {words}",
                "{moment} {name}: {words}",
                moment=moment,
                name=event.name,
                words=event.words,
            )
        )
    return 0


def _write(path: Path, data: bytes) -> int:
    if str(path) == "-":
        sys.stdout.buffer.write(data)
    else:
        path.write_bytes(data)
        tell(say("Записано: {path}", "Written: {path}", path=path))
    return 0
