"""Owns whether a site has mains power, by what its gear says: a UPS on battery, or all that lives on the mains silent.

A UPS that ran on its battery and then fell silent has run down: the word it left stands until something that has light
answers. A provider is not blamed for a blackout, so what is not known counts as light: nobody is excused by a guess.
Note: agents/services/design/0040-link-quality.md.
"""

from collections.abc import Iterable

from agents.network.device_poll import Reading
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.ids import DeviceId
from beket.kernel.inventory import DeviceKind

ON_BATTERY = "ups_on_battery_ratio"  # as modules of UPSs name it
# What a UPS usually carries lives on when the light is gone.
CARRIED = frozenset({DeviceKind.UPS, DeviceKind.ROUTER, DeviceKind.SERVER, DeviceKind.RECORDER})
# One thing that fails is that thing; so many at once are the light.
WITNESSES_MIN = 2
# A UPS that nobody heard of for longer may have died for good: its last word excuses nobody any more.
HELD_S = 24 * 3600


class SiteLight:
    """The light of one site, with the last words of UPSs that are silent now; on the loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # UPSs whose newest word is "on battery", and when they said so (monotonic).
        self._on_battery_ns: dict[DeviceId, int] = {}

    def hear(self, reading: Reading) -> None:
        """Take each reading as it comes; of what is no UPS, or says nothing of its battery, nothing is kept."""
        words = _words([reading])
        if any(words):
            self._on_battery_ns[reading.device.id] = self._clock.mono_ns()
        elif words:
            self._on_battery_ns.pop(reading.device.id, None)

    def is_on(self, readings: Iterable[Reading]) -> bool | None:
        """Whether there is light, by the newest reading of each device; None when the gear cannot tell."""
        found = list(readings)
        known = light_of(found)
        oldest_ns = self._clock.mono_ns() - HELD_S * NS_PER_S
        held = {one.device.id for one in found if self._on_battery_ns.get(one.device.id, oldest_ns) > oldest_ns}
        self._on_battery_ns = {ups: self._on_battery_ns[ups] for ups in held}
        return False if known is None and held else known


def light_of(readings: Iterable[Reading]) -> bool | None:
    """What those say that answer now, and the silence of what lives on the mains; None when that tells nothing."""
    found = list(readings)
    on_battery = _words(found)
    if on_battery:
        return not any(on_battery)
    witnesses = [one.is_up for one in found if one.device.kind not in CARRIED]
    if any(witnesses):
        return True
    return False if len(witnesses) >= WITNESSES_MIN else None


def _words(readings: Iterable[Reading]) -> list[bool]:
    """Whether it runs on battery, of each UPS that says."""
    return [point.value > 0 for one in readings if one.is_up for point in one.points if point.name == ON_BATTERY]
