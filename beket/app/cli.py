"""Owns the `beket` command: which subcommands exist, their help, and how a failure leaves the process.

Each subcommand is a module of `beket.app.commands` that is imported only when it is called, so that a small agent loads
nothing of the centre. A `BeketError` becomes one sentence on standard error and its kind's exit code.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from beket.kernel.errors import BeketError
from beket.kernel.text import Language, Text, language_of_environment, say


@dataclass(frozen=True, slots=True)
class Command:
    """One subcommand: its module in `beket.app.commands` has `add_arguments(parser, language)` and `run(arguments)`."""

    name: str
    help: Text


COMMANDS = (
    Command("demo", say("жива громада на цій машині: центр, об'єкт, камери", "a living community on this machine")),
    Command("centre", say("центр громади: приймає, зберігає, показує", "the community's centre")),
    Command(
        "agent", say("агент об'єкта: камери, мережа, передача в центр", "a site's agent: cameras, network, uplink")
    ),
    Command("pc", say("комп'ютер: що в ньому є і що встановлено", "a computer: what is in it and on it")),
    Command(
        "inventory", say("об'єкти, пристрої й камери: перевірити, внести, вивести", "check, import, export inventory")
    ),
    Command("computers", say("комп'ютери громади: стан, зміни, списки", "the community's computers: state, lists")),
    Command("user", say("користувачі та їхні ролі", "users and their roles")),
    Command(
        "grant", say("дозволи: хто, які камери, за яким документом", "grants: who, which cameras, by which document")
    ),
    Command("journal", say("журнал переглядів і змін: прочитати, перевірити", "read and verify the journal")),
    Command("vms", say("записи: що є, вивести фрагмент, перевірити", "recordings: list, export, check")),
    Command(
        "backup",
        say("резервні копії: зробити, як стоять, відновити, перевірити", "backups: run, status, restore, check"),
    ),
    Command(
        "config", say("налаштування: перевірити, показати, зразок", "check, show or print an example configuration")
    ),
    Command("snmp", say("що Бекет знає про пристрій; записати його відповіді", "try a device, capture its answers")),
    Command("doctor", say("знайти, що не так, і сказати, що робити", "find what is wrong and say what to do")),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; return the process's exit code (sysexits.h; 2 for a wrong command line)."""
    language = language_of_environment()
    arguments = sys.argv[1:] if argv is None else list(argv)
    named = next((c for c in COMMANDS if arguments and c.name == arguments[0]), None)
    parser = _parser(named, language)
    parsed = parser.parse_args(arguments)
    if named is None:
        parser.print_help()
        return 0
    try:
        return int(importlib.import_module(f"beket.app.commands.{named.name}").run(parsed) or 0)
    except BeketError as error:
        print(error.sentence().to(language), file=sys.stderr)
        return error.handling.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0


class _Help(argparse.HelpFormatter):
    """argparse's own words in the reader's language."""

    language: Language = "uk"

    def add_usage(self, usage, actions, groups, prefix=None):  # type: ignore[no-untyped-def]
        """See `argparse.HelpFormatter`."""
        words = "Виклик: " if self.language == "uk" else "Usage: "
        return super().add_usage(usage, actions, groups, words if prefix is None else prefix)


class _EnglishHelp(_Help):
    language: Language = "en"


def _parser(named: Command | None, language: Language) -> argparse.ArgumentParser:
    parser = _add_common(
        argparse.ArgumentParser(
            prog="beket",
            add_help=False,
            formatter_class=_Help if language == "uk" else _EnglishHelp,
            description=say(
                "Бекет пильнує мережу, комп'ютери й камери громади. Мова: BEKET_LANG=uk|en.",
                "Beket watches a community's network, computers and cameras. Language: BEKET_LANG=uk|en.",
            ).to(language),
        ),
        language,
    )
    subparsers = parser.add_subparsers(
        title=say("Команди", "Commands").to(language),
        dest="command",
        metavar=say("КОМАНДА", "COMMAND").to(language),
    )
    for command in COMMANDS:
        words = command.help.to(language)
        subparser = _add_common(
            subparsers.add_parser(
                command.name,
                help=words,
                description=words,
                add_help=False,
                formatter_class=_Help if language == "uk" else _EnglishHelp,
            ),
            language,
        )
        if command is named:
            importlib.import_module(f"beket.app.commands.{command.name}").add_arguments(subparser, language)
    return parser


def _add_common(parser: argparse.ArgumentParser, language: Language) -> argparse.ArgumentParser:
    options = parser.add_argument_group(say("Загальне", "General").to(language))
    options.add_argument("-h", "--help", action="help", help=say("ця довідка", "this help").to(language))
    return parser
