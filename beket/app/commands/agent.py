"""`beket agent`: be a site's agent, a process for each part; `beket agent join` lets it into its centre."""

import argparse
import asyncio
import random
from pathlib import Path

from beket.app import process
from beket.app.commands import arguments
from beket.app.config import AgentConfig
from beket.app.join_words import read_join_line
from beket.app.ownership import check_rooms_are_ours
from beket.app.terminal import tell
from beket.app.wiring.agent_side import AgentFiles, InventoryOnDisk, join, load_identity
from beket.kernel import logs
from beket.kernel.clock import SystemClock
from beket.kernel.config import load
from beket.kernel.text import Language, say

PARTS = ("capture", "polling", "backup", "gear")
# The inventory may say at any time that a device's configuration is kept.
GEAR_LOOK_EVERY_S = 5


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    """Declare the configuration, `--only` and `join`."""
    arguments.add_config(parser, language, default="/etc/beket/agent.toml")
    parser.add_argument(
        "--only",
        choices=PARTS,
        help=say("лише одна частина, у цьому процесі", "one part, in this process").to(language),
    )
    verbs = parser.add_subparsers(dest="verb", metavar="join")
    joining = verbs.add_parser("join", help=say("приєднати до центру", "join a centre").to(language))
    joining.add_argument(
        "--line-file",
        type=Path,
        help=say("файл (0600) з рядком приєднання; без нього — з входу", "file with the line; else stdin").to(language),
    )


def run(parsed: argparse.Namespace) -> int:
    """Join a centre, or run the agent.

    Raises:
        NotFound: it has not joined yet; the hint says how.
    """
    config = load(parsed.config, AgentConfig)
    files = AgentFiles(config.data)
    if parsed.verb == "join":
        enrolled = join(files, read_join_line(parsed.line_file), clock=SystemClock())
        tell(say("Приєднано: об'єкт «{site}».", "Joined: site “{site}”.", site=enrolled.site))
        return 0
    check_rooms_are_ours()
    logs.configure(level=config.logs.level, style=config.logs.style)
    load_identity(files)
    process.run(_run_part(config, parsed.only) if parsed.only else _run_all(parsed.config, config))
    return 0


def parts_of(config: AgentConfig) -> tuple[str, ...]:
    """The parts that this agent has, as far as its file tells: no plans, no backup process."""
    idle = {"backup": not config.backup.plans}
    return tuple(part for part in PARTS if not idle.get(part))


async def _run_all(config_path: Path, config: AgentConfig) -> None:
    stop = process.stop_on_signals()
    rng, clock = random.Random(), SystemClock()  # noqa: S311 - jitter

    async def run_one(part: str) -> None:
        while part == "gear" and not await asyncio.to_thread(_has_gear, config):  # no process before there is work
            await clock.sleep(GEAR_LOOK_EVERY_S)
        arguments = ["agent", "--config", str(config_path), "--only", part]
        await process.run_child(part, arguments, clock=clock, rng=rng, stop=stop)

    await process.run_until(stop, {part: run_one(part) for part in parts_of(config)})


def _has_gear(config: AgentConfig) -> bool:
    """Whether there is gear to log in to by now. Blocking."""
    files = AgentFiles(config.data)
    devices = InventoryOnDisk(files, load_identity(files).enrolled).current().devices
    return bool(config.hosts.gear) or any(device.shell for device in devices)


async def _run_part(config: AgentConfig, part: str) -> None:
    stop = process.stop_on_signals()
    rng, clock = random.Random(), SystemClock()  # noqa: S311 - jitter
    # Each process loads only what its part needs: polling knows nothing of video.
    if part == "capture":
        from beket.app.wiring.capture import run_capture

        await run_capture(config, clock=clock, rng=rng, stop=stop)
    elif part == "backup":
        from beket.app.wiring.backup import run_backup

        await run_backup(config, clock=clock, rng=rng, stop=stop)
    elif part == "gear":
        from beket.app.wiring.gear import run_gear

        await run_gear(config, clock=clock, rng=rng, stop=stop)
    else:
        from beket.app.wiring.polling import run_polling

        await run_polling(config, clock=clock, rng=rng, stop=stop)
