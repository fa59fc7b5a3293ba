"""Owns which gear an agent logs in to: what the inventory lists for its site, and what its own file says. Pure."""

import logging
from collections.abc import Iterable

from agents.hosts.config import GearConfig
from beket.kernel.errors import InvalidArgument, InvalidConfig
from beket.kernel.ids import DeviceId
from beket.kernel.inventory import Device
from beket.kernel.shell_address import parse_shell_address

log = logging.getLogger(__name__)


def listed_gear(own: Iterable[GearConfig], devices: Iterable[Device]) -> tuple[GearConfig, ...]:
    """The gear to log in to, by device. What the agent's own file says of a device outweighs the inventory: there
    stands what only the site knows, such as the secret of a privileged level.
    """
    gear = {device.id: one for device in devices if (one := gear_of(device)) is not None}
    for known in own:
        gear[DeviceId(known.device)] = known
    return tuple(gear[device] for device in sorted(gear))


def gear_of(device: Device) -> GearConfig | None:
    """How to log in at a device of the inventory; None when nobody should, or what stands there cannot be understood
    (a centre newer than this agent may know more).
    """
    if not device.shell or not device.shell_secret:
        return None
    try:
        shell = parse_shell_address(device.shell)
        return GearConfig(
            device=device.id,
            family=shell.family,
            address=shell.host_and_port,
            login=shell.login,
            secret=device.shell_secret,
            host_key=device.host_key,
        )
    except (InvalidArgument, InvalidConfig):
        log.warning("the command line of %s is not understood", device.id)
        return None
