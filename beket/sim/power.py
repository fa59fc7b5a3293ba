"""Owns the electricity of a simulated site: the mains that a demo switches off, and the battery of its UPS.

Everything is computed when asked, from the moments of the last changes; nothing ticks. Belongs to one thread.
"""

from enum import StrEnum

from beket.kernel.clock import NS_PER_S, Clock

BATTERY_LASTS_S = 40 * 60
BATTERY_CHARGES_S = 4 * 3600


class Supply(StrEnum):
    """What a device is plugged into."""

    MAINS = "mains"
    UPS = "ups"


class Power:
    """The electricity of one site.

    Args:
        battery_lasts_s: how long a full battery carries the site.
        battery_charges_s: how long an empty one takes to fill.
    """

    def __init__(
        self, clock: Clock, *, battery_lasts_s: float = BATTERY_LASTS_S, battery_charges_s: float = BATTERY_CHARGES_S
    ) -> None:
        self._clock = clock
        self._lasts_s = battery_lasts_s
        self._charges_s = battery_charges_s
        self._mains = True
        self._changed_ns = clock.mono_ns()
        self._charge_then_s = battery_lasts_s
        self._since_ns = {Supply.MAINS: self._changed_ns, Supply.UPS: self._changed_ns}

    @property
    def mains_is_on(self) -> bool:
        """Whether there is light in the house."""
        return self._mains

    def switch_off(self) -> None:
        """Blackout. No effect during one."""
        if self._mains:
            self._change(mains=False)

    def switch_on(self) -> None:
        """The light is back: what was dark boots again. No effect when it was on."""
        if self._mains:
            return
        battery_held = self.feeds(Supply.UPS)
        self._change(mains=True)
        self._since_ns[Supply.MAINS] = self._changed_ns
        if not battery_held:
            self._since_ns[Supply.UPS] = self._changed_ns

    def feeds(self, supply: Supply) -> bool:
        """Whether what is plugged into `supply` works now."""
        return self._mains or (supply is Supply.UPS and self.battery_left_s() > 0)

    def up_s(self, supply: Supply) -> float:
        """How long what is plugged into `supply` has worked without a break, in seconds of the monotonic clock."""
        return (self._clock.mono_ns() - self._since_ns[supply]) / NS_PER_S

    def on_battery_s(self) -> float:
        """How long the UPS has carried the site by now; 0 while there is light."""
        return 0 if self._mains else self._since_change_s()

    def battery_left_s(self) -> float:
        """How long the battery would carry the site from now on."""
        passed_s = self._since_change_s()
        if self._mains:
            return min(self._lasts_s, self._charge_then_s + passed_s * self._lasts_s / self._charges_s)
        return max(0, self._charge_then_s - passed_s)

    def battery_charge_pct(self) -> float:
        """How full the battery is."""
        return 100 * self.battery_left_s() / self._lasts_s

    def _since_change_s(self) -> float:
        return (self._clock.mono_ns() - self._changed_ns) / NS_PER_S

    def _change(self, *, mains: bool) -> None:
        self._charge_then_s = self.battery_left_s()
        self._changed_ns = self._clock.mono_ns()
        self._mains = mains
