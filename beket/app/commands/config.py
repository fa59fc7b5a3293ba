"""`beket config`: check a file, show what is in force, print an example with every key explained."""

import argparse
from pathlib import Path

from beket.app.config import AgentConfig, CentreConfig
from beket.app.pc_config import PcConfig
from beket.app.terminal import tell
from beket.kernel.config import example, load, spell
from beket.kernel.text import Language, say

KINDS: dict[str, type[AgentConfig] | type[CentreConfig] | type[PcConfig]] = {
    "agent": AgentConfig,
    "centre": CentreConfig,
    "pc": PcConfig,
}


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    """Declare `check`, `show` and `example`."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="check|show|example")
    words = {
        "check": say("знайти всі помилки у файлі", "find every mistake in a file"),
        "show": say("що насправді діє", "what is in force"),
        "example": say("зразок із поясненнями", "an explained example"),
    }
    for verb, help_text in words.items():
        subparser = verbs.add_parser(verb, help=help_text.to(language))
        subparser.add_argument("kind", choices=sorted(KINDS), help=say("чий файл", "whose file").to(language))
        if verb != "example":
            subparser.add_argument("file", type=Path)


def run(parsed: argparse.Namespace) -> int:
    """Carry out one verb.

    Raises:
        ConfigMistakes: the file has mistakes; all are listed.
    """
    if parsed.verb == "example":
        tell(example(KINDS[parsed.kind]).rstrip())
        return 0
    config = load(parsed.file, KINDS[parsed.kind])
    if parsed.verb == "check":
        tell(say("Помилок немає: {file}", "No mistakes: {file}", file=parsed.file))
    else:
        tell(spell(config).rstrip())
    return 0
