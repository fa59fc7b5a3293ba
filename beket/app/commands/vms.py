"""`beket vms`: look into a store of recordings from its machine: check it, bytes and all.

Seeing pictures is not for the machine's account: that needs a person, a reason and the journal, so it is in the pages.
"""

import argparse
from pathlib import Path

from beket.access.agent_key import load_enrolled
from beket.app.commands import arguments
from beket.app.config import AgentConfig, CentreConfig
from beket.app.terminal import show_count, tell
from beket.app.wiring.agent_side import AgentFiles
from beket.app.wiring.recordings import look_into_recordings
from beket.kernel.config import load
from beket.kernel.errors import DataLoss
from beket.kernel.ids import CommunityId
from beket.kernel.text import Language, say
from vms.config import RecordingsConfig
from vms.recordings.check import Finding, check


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    """Declare `check`."""
    arguments.add_config(parser, language, default="/etc/beket/centre.toml")
    parser.add_argument(
        "--agent", action="store_true", help=say("це файл агента, не центру", "it is an agent's file").to(language)
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="check")
    checking = verbs.add_parser("check", help=say("чи всі записи цілі", "are all recordings whole").to(language))
    checking.add_argument(
        "--fast", action="store_true", help=say("без перерахунку хешів", "without reading every byte").to(language)
    )


def run(parsed: argparse.Namespace) -> int:
    """Check the store; each finding is a line.

    Raises:
        DataLoss: something is not as it was written.
    """
    recordings, database, community = _store_of(parsed)
    faults = 0
    with look_into_recordings(recordings, database=database, community=community) as store:
        for step in check(store, rehash=not parsed.fast):
            if isinstance(step, Finding):
                faults += 1
                tell(step.sentence())
            else:
                show_count(step.segments, step.size_bytes)
    if faults:
        raise DataLoss(say("Знайдено пошкоджень: {n}.", "Faults found: {n}.", n=faults), subject=str(recordings.folder))
    tell(say("Усі записи цілі.", "All recordings are whole."))
    return 0


def _store_of(parsed: argparse.Namespace) -> tuple[RecordingsConfig, Path, CommunityId]:
    if parsed.agent:
        agent = load(parsed.config, AgentConfig)
        return agent.recordings, agent.data / "video.db", load_enrolled(AgentFiles(agent.data).enrolled).community
    centre = load(parsed.config, CentreConfig)
    return centre.recordings, centre.data / "video.db", CommunityId(centre.community.id)
