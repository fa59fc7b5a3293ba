"""`beket centre`: be the centre; `beket centre join-line SITE` prints the line by which a new agent finds it."""

import argparse
import random

from beket.app import process
from beket.app.commands import arguments
from beket.app.config import CentreConfig
from beket.app.ownership import check_rooms_are_ours
from beket.app.terminal import tell
from beket.app.wiring.join_line import default_url, join_line
from beket.kernel import logs
from beket.kernel.clock import SystemClock
from beket.kernel.config import load
from beket.kernel.ids import SiteId
from beket.kernel.text import Language, say


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    """Declare the configuration and `join-line`."""
    arguments.add_config(parser, language, default="/etc/beket/centre.toml")
    verbs = parser.add_subparsers(dest="verb", metavar="join-line")
    join = verbs.add_parser("join-line", help=say("рядок для нового агента", "the line for a new agent").to(language))
    join.add_argument("site", help=say("ідентифікатор об'єкта", "id of the site").to(language))
    join.add_argument(
        "--url", help=say("адреса центру, як її бачить агент", "centre as the agent sees it").to(language)
    )


def run(parsed: argparse.Namespace) -> int:
    """Run the centre, or print a join line.

    Raises:
        NotFound: no such site in the inventory.
    """
    config = load(parsed.config, CentreConfig)
    if parsed.verb == "join-line":
        tell(join_line(config, SiteId(parsed.site), parsed.url or default_url(config)))
        return 0
    check_rooms_are_ours()
    logs.configure(level=config.logs.level, style=config.logs.style)
    process.run(_run(config))
    return 0


async def _run(config: CentreConfig) -> None:
    # The heavy rooms are loaded only by the process that is the centre.
    from beket.app.wiring.centre import run_centre

    stop = process.stop_on_signals()
    await run_centre(config, clock=SystemClock(), rng=random.Random(), stop=stop)  # noqa: S311 - jitter
