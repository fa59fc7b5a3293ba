"""`beket inventory`: sites, devices and cameras in and out of files, with a dry run first; history and rollback."""

import argparse
import sys
from pathlib import Path

from beket.app.commands import arguments
from beket.app.config import CentreConfig
from beket.app.machine import operator
from beket.app.terminal import tell
from beket.app.wiring.inventory import open_inventory
from beket.kernel.clock import SystemClock, utc
from beket.kernel.config import load
from beket.kernel.ids import UserId
from beket.kernel.text import Language, say
from collector.inventory.plan import ChangePlan
from collector.inventory.store import InventoryStore
from collector.inventory.template import template_xlsx
from collector.inventory.transfer import FileFormat, export, import_file

HISTORY_LINES = 20


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    """Declare `import`, `export`, `template`, `history` and `rollback`."""
    arguments.add_config(parser, language, default="/etc/beket/centre.toml")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="import|export|template|history|rollback")
    take = verbs.add_parser(
        "import", help=say("показати зміни з файла і внести їх", "show and make changes").to(language)
    )
    take.add_argument("file", type=Path, help=say("YAML, CSV або XLSX", "YAML, CSV or XLSX").to(language))
    back = verbs.add_parser("rollback", help=say("повернути стару версію", "return to an old version").to(language))
    back.add_argument("version", type=int)
    for parser_with_change in (take, back):
        _add_change_options(parser_with_change, language)
    give = verbs.add_parser("export", help=say("вивести у файл", "write to a file").to(language))
    give.add_argument("file_format", choices=[one.value for one in FileFormat])
    give.add_argument("file", type=Path)
    blank = verbs.add_parser(
        "template", help=say("порожня таблиця з поясненнями", "an empty table to fill").to(language)
    )
    blank.add_argument("file", type=Path)
    verbs.add_parser("history", help=say("хто, коли і чому змінював", "who changed it, when and why").to(language))


def run(parsed: argparse.Namespace) -> int:
    """Carry out one verb; `import` and `rollback` change nothing without `--yes`."""
    if parsed.verb == "template":
        return _write(parsed.file, template_xlsx())
    with open_inventory(load(parsed.config, CentreConfig), clock=SystemClock()) as store:
        match parsed.verb:
            case "import":
                return _change(store, import_file(store, parsed.file, parsed.file.name), parsed)
            case "rollback":
                return _change(store, store.propose_rollback(parsed.version), parsed)
            case "export":
                return _write(parsed.file, export(store.current(), FileFormat(parsed.file_format)))
            case _:
                return _history(store)


def _add_change_options(parser: argparse.ArgumentParser, language: Language) -> None:
    parser.add_argument("--yes", action="store_true", help=say("внести зміни", "make the changes").to(language))
    parser.add_argument(
        "--reason", default="", help=say("чому (для журналу змін)", "why, for the history").to(language)
    )
    parser.add_argument(
        "--remove-many",
        action="store_true",
        help=say("так, вилучити понад половину", "yes, remove over half").to(language),
    )


def _change(store: InventoryStore, plan: ChangePlan, parsed: argparse.Namespace) -> int:
    tell(plan.summary)
    for notice in (*plan.notices, *((plan.mass_removal,) if plan.mass_removal else ())):
        tell(say("  • {notice}", "  • {notice}", notice=notice))
    if not plan.changes:
        return 0
    if not parsed.yes:
        tell(
            say(
                "Нічого не змінено. Щоб внести: додайте --yes --reason «…».",
                "Nothing changed. To do it: --yes --reason …",
            )
        )
        return 0
    actor = UserId(operator())
    accepted = store.accept(plan, actor=actor, reason=parsed.reason, confirm_mass_removal=parsed.remove_many)
    tell(say("Внесено, версія {n}.", "Done, version {n}.", n=accepted.version))
    return 0


def _history(store: InventoryStore) -> int:
    for version in store.history(HISTORY_LINES):
        moment = utc(version.wall_ns).isoformat(timespec="minutes")
        tell(f"{version.version:5} {moment} {version.actor:20} {version.reason}")
    return 0


def _write(path: Path, data: bytes) -> int:
    if str(path) == "-":
        sys.stdout.buffer.write(data)
    else:
        path.write_bytes(data)
        tell(say("Записано: {path}", "Written: {path}", path=path))
    return 0
