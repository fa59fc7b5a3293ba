"""`beket vms forecast`: for how many days there is room, and what holds take of it."""

import argparse
from pathlib import Path

from beket.access.agent_key import load_enrolled
from beket.app.config import AgentConfig, CentreConfig
from beket.app.terminal import tell
from beket.app.wiring.agent_side import AgentFiles, InventoryOnDisk
from beket.app.wiring.inventory import open_inventory
from beket.app.wiring.recordings import CENTRE, keeping_of, look_into_recordings
from beket.kernel.clock import SystemClock
from beket.kernel.config import load
from beket.kernel.inventory import Inventory
from beket.kernel.text import say
from beket.kernel.units import spell_bytes
from vms.config import RecordingsConfig
from vms.recordings.forecast import Ahead, Forecaster


def run_forecast(parsed: argparse.Namespace) -> int:
    """One sentence, what holds take, and a line a camera."""
    if parsed.agent:
        agent = load(parsed.config, AgentConfig)
        files = AgentFiles(agent.data)
        enrolled = load_enrolled(files.enrolled)
        inventory = InventoryOnDisk(files, enrolled).current()
        ahead = _look(agent.recordings, agent.data / "video.db", inventory, is_edge=True)
    else:
        centre = load(parsed.config, CentreConfig)
        with open_inventory(centre, clock=SystemClock()) as known:
            inventory = known.current()
        ahead = _look(centre.recordings, centre.data / "video.db", inventory, is_edge=False)
    _tell(ahead, inventory)
    return 0


def _look(config: RecordingsConfig, database: Path, inventory: Inventory, *, is_edge: bool) -> Ahead:
    community = inventory.community.id
    with look_into_recordings(config, database=database, community=community, site=CENTRE) as store:
        return Forecaster(
            store,
            lambda: keeping_of(inventory, edge=is_edge),
            clock=SystemClock(),
        ).run_once()


def _tell(ahead: Ahead, inventory: Inventory) -> None:
    tell(ahead.sentence())
    if (of_holds := ahead.holds_sentence()) is not None:
        tell(of_holds)
    tell(say("Під забороною стирати: {size}.", "Held: {size}.", size=spell_bytes(ahead.held_bytes)))
    names = {camera.id: camera.name for camera in inventory.cameras}
    for one in ahead.cameras:
        tell(
            say(
                "{camera}: {daily} на добу, є {kept} дн., буде {ahead} з {promised} дн.",
                "{camera}: {daily} a day, {kept} days kept, there will be {ahead} of {promised}.",
                camera=names.get(one.camera, one.camera),
                daily=spell_bytes(one.daily_bytes),
                kept=len(one.by_day),
                ahead=int(ahead.share() * one.promised_days),
                promised=one.promised_days,
            )
        )
