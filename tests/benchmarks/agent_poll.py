"""`agent_poll`: share of a core and peak memory of a polling process: 200 switches × 50 ports × 12 columns a minute.

The switches are simulated ones in another process, each with its own address of 127.0.0.0/8; ping, SNMP, points and the
durable spool are those of an agent. Rounds follow each other every 10 s here instead of 60, so that minutes of polling
fit into one; the share is that of a minute. `BEKET_BENCH_LONG=1` polls 1,000 switches every 60 s for three minutes.
"""

import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass

from beket.testing.snmp_gear import switches
from tests.benchmarks.result import Measured, Result, compare

PORTS = 50
MINUTE_S = 60
CPU_PCT_MAX = 10.0


@dataclass(frozen=True, slots=True)
class Load:
    """How many switches, how often, how long; `peak_mb_max` is None where nothing is asked of memory."""

    switches: int
    interval_s: int
    rounds: int
    pairs: int
    peak_mb_max: float | None


SHORT = Load(200, 10, 3, 3, 120.0)
LONG = Load(1000, 60, 3, 1, None)


def run(*, pairs: int) -> Result:
    """Measure `pairs` times."""
    load = LONG if os.environ.get("BEKET_BENCH_LONG") else SHORT
    pairs = min(pairs, load.pairs)
    peaks_mb: list[float] = []
    bar = CPU_PCT_MAX * load.switches / SHORT.switches
    with switches(load.switches, ports=PORTS) as addresses:
        ratio, ours, control, spread, checks = compare(
            lambda: measure(load, addresses, peaks_mb), lambda: Measured(bar), pairs=pairs
        )
    return Result(
        name="agent_poll",
        ratio=ratio,
        ours=ours,
        control=control,
        unit="% of a core",
        n=pairs,
        spread=spread,
        checks=checks | {"within the bar": ratio <= 1},
        control_cmd=f"the bar: {bar} % of a core for {load.switches} switches a minute",
        versions={"python": platform.python_version(), "peak MB": f"{max(peaks_mb):.0f}"},
    )


def measure(load: Load, addresses: list[str], peaks_mb: list[float]) -> Measured:
    """One polling process."""
    argv = [sys.executable, "-m", "tests.benchmarks.agent_poll_subject", str(load.interval_s), str(load.rounds)]
    done = subprocess.run(argv, input="\n".join(addresses), stdout=subprocess.PIPE, text=True, check=True)
    report = json.loads(done.stdout)
    peaks_mb.append(report["peak_mb"])
    share_pct = 100 * report["cpu_s"] / report["lasted_s"] * load.interval_s / MINUTE_S
    # Two system facts and a few words about the device besides its table.
    values_min = load.switches * load.rounds * PORTS * 9
    fits = {f"at most {mb:.0f} MB": report["peak_mb"] <= mb} if (mb := load.peak_mb_max) is not None else {}
    return Measured(
        round(share_pct, 2),
        fits
        | {
            "every switch answered in every round": report["fewest_polls"] >= load.rounds,
            "no poll was missed": report["missed"] == 0,
            "every poll was complete": report["incomplete"] == 0,
            "every value came": report["port_values"] >= values_min,
        },
    )
