"""`beket pc`: a computer tells the centre what it is made of and what is installed; once, or as a service."""

import argparse
import contextlib
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from agents.computers.linux import look_at_linux
from agents.computers.programs import RealPrograms
from agents.computers.report import ComputerReport
from agents.computers.rounds import Post, keep_telling, look_and_tell
from agents.computers.waiting import WaitingReport
from agents.computers.windows import look_at_windows
from agents.computers.windows_output import parse_windows
from agents.uplink.connection import CentreConnection
from beket.app import process
from beket.app.commands import arguments
from beket.app.join_words import read_join_line
from beket.app.ownership import check_rooms_are_ours
from beket.app.pc_config import PcConfig
from beket.app.terminal import tell
from beket.app.wiring.agent_side import AgentFiles, join, load_identity
from beket.kernel import logs, wire
from beket.kernel.clock import SystemClock
from beket.kernel.config import load
from beket.kernel.errors import NotFound
from beket.kernel.text import Language, say

RECORDING_MAX_BYTES = 8 * 1024 * 1024


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    """Declare `join`, `once`, `run` and `show`."""
    arguments.add_config(parser, language, default="/etc/beket/pc.toml")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="join|once|run|show")
    joining = verbs.add_parser("join", help=say("приєднати до центру", "join a centre").to(language))
    joining.add_argument(
        "--line-file",
        type=Path,
        help=say("файл (0600) з рядком приєднання; без нього — з входу", "file with the line; else stdin").to(language),
    )
    once = verbs.add_parser("once", help=say("подивитися й надіслати зараз", "look and tell now").to(language))
    shown = verbs.add_parser("show", help=say("показати, що було б надіслано", "show what would be told").to(language))
    for one in (once, shown):
        one.add_argument(
            "--recording",
            type=Path,
            help=say("не цей комп'ютер, а відповідь collect.ps1 у файлі", "not this computer: collect.ps1's answer").to(
                language
            ),
        )
    verbs.add_parser("run", help=say("служба: надсилати щодня", "be a service: tell every day").to(language))


def run(parsed: argparse.Namespace) -> int:
    """Carry out one verb.

    Raises:
        NotFound: it has not joined a centre; the hint says how.
        BeketError: the look or the way to the centre failed; what was seen waits for the next time.
    """
    if parsed.verb == "show":
        tell(wire.encode(_look(parsed.recording)).decode())
        return 0
    config = _config(parsed.config)
    files = AgentFiles(config.data)
    if parsed.verb == "join":
        enrolled = join(files, read_join_line(parsed.line_file), clock=SystemClock())
        tell(say("Приєднано: об'єкт «{site}».", "Joined: site “{site}”.", site=enrolled.site))
        return 0
    check_rooms_are_ours()
    logs.configure(level=config.log_level, style=config.log_style)
    waiting = WaitingReport(config.data)
    with _way_to_centre(files, config) as post:
        if parsed.verb == "once":
            receipt = look_and_tell(lambda: _look(parsed.recording), waiting, post)
            tell(say("Надіслано. Змін: {n}.", "Told. Changes: {n}.", n=receipt.changes))
            return 0
        process.run(_serve(waiting, post, config))
    return 0


async def _serve(waiting: WaitingReport, post: Post, config: PcConfig) -> None:
    stop = process.stop_on_signals()
    rng = random.Random()  # noqa: S311 - jitter
    telling = keep_telling(lambda: _look(None), waiting, post, config.computer, clock=SystemClock(), rng=rng)
    await process.run_until(stop, {"computer": telling})


@contextlib.contextmanager
def _way_to_centre(files: AgentFiles, config: PcConfig) -> Iterator[Post]:
    identity = load_identity(files)
    connection = CentreConnection(identity.key, identity.enrolled, timeout_s=config.computer.timeout_s)
    with contextlib.closing(connection):
        yield connection.post


def _look(recording: Path | None) -> ComputerReport:
    if recording is not None:
        try:
            with recording.open("rb") as file:
                return parse_windows(file.read(RECORDING_MAX_BYTES))
        except OSError as error:
            raise NotFound(say("Файл не читається.", "The file cannot be read."), subject=str(recording)) from error
    programs = RealPrograms()
    return look_at_windows(programs) if sys.platform == "win32" else look_at_linux(programs)


def _config(path: Path) -> PcConfig:
    """What the file says; a computer needs none."""
    return load(path, PcConfig) if path.exists() else PcConfig()
