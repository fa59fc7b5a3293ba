"""A thousand switches of fifty ports, each asked every minute: no poll is missed and every value comes.

For a machine that does nothing else: a poll that waits a minute for the processor is a missed one. Note 0034, "Cost".
"""

import pytest

from beket.testing.snmp_gear import switches
from tests.benchmarks.agent_poll import LONG, PORTS, measure

pytestmark = [pytest.mark.torture, pytest.mark.timeout(1800)]


def test_a_thousand_switches_are_asked_every_minute_and_none_is_missed() -> None:
    peaks_mb: list[float] = []
    with switches(LONG.switches, ports=PORTS) as addresses:
        measured = measure(LONG, addresses, peaks_mb)
    print(f"{LONG.switches} switches: {measured.figure} % of a core, {max(peaks_mb):.0f} MB")
    assert LONG.switches >= 1000
    assert measured.checks == dict.fromkeys(measured.checks, True)
