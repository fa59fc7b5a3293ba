"""`beket doctor`: look at everything a process depends on and say, one line each, how it stands and what to do."""

import argparse
import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

from beket.app.config import AgentConfig, CentreConfig
from beket.app.doctor.finding import Finding, Mark
from beket.app.terminal import tell
from beket.kernel.clock import SystemClock
from beket.kernel.config import load
from beket.kernel.text import Language, say

DEFAULTS = {"agent": Path("/etc/beket/agent.toml"), "centre": Path("/etc/beket/centre.toml")}


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    """Declare whose health it is and its configuration."""
    parser.add_argument("kind", choices=sorted(DEFAULTS), help=say("кого оглянути", "whom to examine").to(language))
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=say("файл налаштувань", "configuration file").to(language)
    )


def run(parsed: argparse.Namespace) -> int:
    """Print every finding; the exit code is that of the first bad one, 0 when there is none.

    Raises:
        ConfigMistakes: the configuration itself is wrong; every mistake is listed.
    """
    return asyncio.run(_report(_findings(parsed.kind, parsed.config or DEFAULTS[parsed.kind])))


async def _findings(kind: str, file: Path) -> AsyncIterator[Finding]:
    clock = SystemClock()
    if kind == "agent":
        from beket.app.doctor.agent import examine_agent

        rng = random.Random()  # noqa: S311 - jitter
        async for finding in examine_agent(load(file, AgentConfig), file, clock=clock, rng=rng):
            yield finding
    else:
        from beket.app.doctor.centre import examine_centre

        for finding in examine_centre(load(file, CentreConfig), file, clock=clock):
            yield finding


async def _report(findings: AsyncIterator[Finding]) -> int:
    exit_code = 0
    async for finding in findings:
        tell(finding.sentence())
        if finding.mark is Mark.BAD and finding.error is not None and not exit_code:
            exit_code = finding.error.handling.exit_code
    return exit_code
