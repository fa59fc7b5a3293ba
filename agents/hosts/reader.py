"""Owns one reading of a device's facts over a session: every command of its family once. Blocking.

A command that the device does not know gives nothing; a line that is cut, or an answer that does not end, ends the
reading with an error: half of the facts now and half of an hour ago would look like one state.
"""

from agents.hosts.facts import Facts, commands_of, facts_of
from agents.hosts.families import Family
from beket.kernel.clock import Clock
from beket.kernel.ids import DeviceId, SiteId
from beket.kernel.ports import Shells

ANSWER_MAX_BYTES = 256 * 1024
ANSWER_WITHIN_S = 30.0


def read_facts(
    shells: Shells, site: SiteId, device: DeviceId, family: Family, *, clock: Clock, only_texts: bool = False
) -> Facts:
    """What the device says of itself now; with `only_texts` it is not asked for numbers.

    Raises:
        BeketError: as `Shells.open` and `ShellSession.run`.
    """
    commands = commands_of(family, only_texts=only_texts)
    if not commands:
        return Facts({}, [])
    with shells.open(device) as session:
        wall_ns = clock.wall_ns()
        answers = {
            command: session.run(command, within_s=ANSWER_WITHIN_S, max_bytes=ANSWER_MAX_BYTES) for command in commands
        }
    return facts_of(family, answers, (("site", site), ("device", device)), wall_ns)
