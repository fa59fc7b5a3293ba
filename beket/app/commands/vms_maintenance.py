"""`beket vms --agent maintenance --minutes N`: people work on this site's cameras; a gap meanwhile is not a fault."""

import argparse

from agents.cameras.maintenance import set_maintenance
from beket.app.config import AgentConfig
from beket.app.terminal import tell
from beket.app.wiring.agent_side import AgentFiles
from beket.kernel.clock import SystemClock
from beket.kernel.config import load
from beket.kernel.errors import InvalidArgument
from beket.kernel.text import Language, counted, say


def add_maintenance(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", language: Language) -> None:
    """Declare `maintenance`."""
    parser = verbs.add_parser("maintenance", help=say("планові роботи з камерами", "planned work").to(language))
    parser.add_argument(
        "--minutes",
        type=int,
        required=True,
        metavar="N",
        help=say("скільки триватимуть; 0 — завершено", "how long it takes; 0: it is over").to(language),
    )


def run_maintenance(parsed: argparse.Namespace) -> int:
    """Say it to the capture process, which looks every two seconds.

    Raises:
        InvalidArgument: it is a centre, where no camera is, or the minutes make no sense.
    """
    if not parsed.agent:
        raise InvalidArgument(
            say("Роботи оголошують на об'єкті: beket vms --agent …", "Say it at the site: beket vms --agent …")
        )
    files = AgentFiles(load(parsed.config, AgentConfig).data)
    set_maintenance(files.maintenance, minutes=parsed.minutes, clock=SystemClock())
    if parsed.minutes:
        tell(
            say(
                "Планові роботи: {time}. Пропуски в записі називатимуться так.",
                "Maintenance for {n} minutes. Gaps are called so meanwhile.",
                time=counted(parsed.minutes, "хвилина", "хвилини", "хвилин"),
                n=parsed.minutes,
            )
        )
    else:
        tell(say("Планові роботи завершено.", "Maintenance is over."))
    return 0
