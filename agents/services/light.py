"""Owns whether a site has mains power, by what its gear says: a UPS on battery, or all that lives on the mains silent.

Pure. A provider is not blamed for a blackout, so what is not known counts as light: nobody is excused by a guess.
"""

from collections.abc import Iterable

from agents.network.device_poll import Reading
from beket.kernel.inventory import DeviceKind

ON_BATTERY = "ups_on_battery_ratio"  # as modules of UPSs name it
# What a UPS usually carries lives on when the light is gone.
CARRIED = frozenset({DeviceKind.UPS, DeviceKind.ROUTER, DeviceKind.SERVER, DeviceKind.RECORDER})
# One thing that fails is that thing; so many at once are the light.
WITNESSES_MIN = 2


def light_of(readings: Iterable[Reading]) -> bool | None:
    """Whether there is light, by the newest reading of each device; None when the gear cannot tell."""
    found = list(readings)
    on_battery = [point.value > 0 for one in found if one.is_up for point in one.points if point.name == ON_BATTERY]
    if on_battery:
        return not any(on_battery)
    witnesses = [one.is_up for one in found if one.device.kind not in CARRIED]
    if any(witnesses):
        return True
    return False if len(witnesses) >= WITNESSES_MIN else None
