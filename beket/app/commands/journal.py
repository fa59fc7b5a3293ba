"""`beket journal`: is the chain whole, and what is its head. Reading entries needs a person's account: the pages."""

import argparse

from beket.access.journal import Head
from beket.app.commands import arguments
from beket.app.config import CentreConfig
from beket.app.terminal import show_progress, tell
from beket.app.wiring.access import open_access
from beket.kernel.clock import SystemClock
from beket.kernel.config import load
from beket.kernel.errors import DataLoss, InvalidArgument
from beket.kernel.text import Language, say


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    """Declare `verify` and `head`."""
    arguments.add_config(parser, language, default="/etc/beket/centre.toml")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="verify|head")
    verify = verbs.add_parser("verify", help=say("чи не змінено жодного запису", "was any entry changed").to(language))
    verify.add_argument(
        "--anchor",
        metavar="N:HASH",
        help=say("кінець ланцюга, записаний раніше", "an end of the chain noted earlier").to(language),
    )
    verbs.add_parser(
        "head", help=say("кінець ланцюга, щоб записати на папері", "end of the chain, to note down").to(language)
    )


def run(parsed: argparse.Namespace) -> int:
    """Carry out one verb.

    Raises:
        DataLoss: an entry was changed, removed or moved.
    """
    with open_access(load(parsed.config, CentreConfig), clock=SystemClock()) as access:
        head = access.journal.head()
        if parsed.verb == "head":
            tell(f"{head.sequence}:{head.hash}")
            return 0
        broken = access.journal.verify(anchor=_anchor(parsed.anchor), progress=show_progress)
        if broken is not None:
            raise DataLoss(
                say(
                    "Журнал змінено: ланцюг рветься на записі {n}.",
                    "The journal was changed: it breaks at {n}.",
                    n=broken,
                ),
                hint=say(
                    "Збережіть копію бази й покличте ревізора.", "Keep a copy of the database and call the auditor."
                ),
            )
        tell(say("Журнал цілий: {n} записів.", "The journal is whole: {n} entries.", n=head.sequence))
    return 0


def _anchor(text: str | None) -> Head | None:
    if not text:
        return None
    number, _, digest = text.partition(":")
    if not number.isdecimal() or len(digest) != 64:
        raise InvalidArgument(
            say("Кінець ланцюга має вигляд N:HASH.", "An anchor looks like N:HASH."), subject="--anchor"
        )
    return Head(int(number), digest)
