"""`beket demo`: a living community on this machine, through the real code paths; headless with --require."""

import argparse
import shutil
import tempfile
from pathlib import Path

from beket.app import process
from beket.app.demo.stage import prepare
from beket.app.demo.story import Story
from beket.app.ownership import check_rooms_are_ours
from beket.app.terminal import tell
from beket.kernel import logs
from beket.kernel.clock import SystemClock
from beket.kernel.errors import InvalidArgument
from beket.kernel.text import Language, say
from beket.sim.places import MOHYLIV

REQUIRABLE = ("video", "samples", "alert", "backup", "gear")
# What was required did not come: EX_UNAVAILABLE.
NOT_SHOWN_EXIT_CODE = 69


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    """Declare `--data`, `--seconds` and `--require`."""
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("demo-data"),
        metavar="DIR",
        help=say("де зберігати (звичайно demo-data)", "where to keep things (default demo-data)").to(language),
    )
    parser.add_argument(
        "--seconds",
        type=float,
        metavar="N",
        help=say("зупинитися через N секунд", "stop after N seconds").to(language),
    )
    parser.add_argument(
        "--require",
        default="",
        metavar=",".join(REQUIRABLE),
        help=say("код 0 лише тоді, коли це справді надійшло", "exit 0 only if these really flowed").to(language),
    )


def run(parsed: argparse.Namespace) -> int:
    """Play the demo.

    Raises:
        InvalidArgument: something unknown is required.
        Busy: another demo runs on this machine.
    """
    required = [name for name in parsed.require.split(",") if name]
    unknown = set(required) - set(REQUIRABLE)
    if unknown:
        raise InvalidArgument(
            say(
                "Невідомо, що таке «{names}»; можна: {known}.",
                "Unknown: “{names}”; possible: {known}.",
                names=", ".join(sorted(unknown)),
                known=", ".join(REQUIRABLE),
            ),
            subject="--require",
        )
    check_rooms_are_ours()
    logs.configure(level="warning")
    clock = SystemClock()
    # A folder of its own, as the path of a socket must be short.
    with tempfile.TemporaryDirectory(prefix="beket-") as folder:
        light_line, restic = Path(folder) / "light", shutil.which("restic") or ""
        stage = prepare(parsed.data, MOHYLIV, clock=clock, light_line=light_line, restic=restic)
        story = Story(stage, clock=clock, blackout="alert" in required)
        process.run(_play(story, parsed.seconds))
    sites = stage.community.sites
    cameras, devices = sum(len(s.cameras) for s in sites), sum(len(s.gear) for s in sites)
    missing = [name for name in required if not story.seen.flows(name, cameras=cameras, devices=devices)]
    if missing:
        tell(
            say(
                "Не показано: {missing}. Журнали: {folder}",
                "Not shown: {missing}. Logs: {folder}",
                missing=", ".join(missing),
                folder=stage.folder / "logs",
            )
        )
        return NOT_SHOWN_EXIT_CODE
    return 0


async def _play(story: Story, seconds: float | None) -> None:
    await story.run(process.stop_on_signals(), seconds=seconds)
