"""The measured side of `agent_poll`: the poller of an agent as `beket.app` wires it, with its spool, without a centre.

`python -m tests.benchmarks.agent_poll_subject INTERVAL_S ROUNDS` reads addresses, one a line, polls them for one round
to warm up and `ROUNDS` more, and prints one line of JSON about the latter.
"""

import asyncio
import json
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import uvloop

from agents.network import metrics
from beket.app.wiring import polling
from beket.kernel.clock import SystemClock
from beket.kernel.ids import DeviceId, SiteId
from beket.kernel.inventory import Device
from beket.kernel.metrics import Instruments, Point
from beket.kernel.ports import PointSink
from beket.kernel.secrets import SecretFolder

SITE = SiteId("bench")
# On a busy machine the last answers come late; that a beat was left out the poller itself counts.
LATE_S = 30


class Counting:
    """Counts what goes into the spool."""

    def __init__(self, behind: PointSink) -> None:
        self._behind = behind
        self.clear()

    def clear(self) -> None:
        self.polls: Counter[str] = Counter()
        self.port_values = 0

    def put(self, points: Sequence[Point]) -> None:
        self._behind.put(points)
        for point in points:
            if point.name == metrics.DEVICE_SNMP_UP.name and point.value:
                self.polls[point.labels[1][1]] += 1
            self.port_values += point.name.startswith("port_")


def main() -> int:
    """Measure and print."""
    interval_s, rounds = map(int, sys.argv[1:])
    addresses = sys.stdin.read().split()
    uvloop.run(measure(addresses, interval_s, rounds))
    return 0


async def measure(addresses: list[str], interval_s: int, rounds: int) -> None:
    devices = [
        Device(id=DeviceId(f"switch-{i}"), site=SITE, name=f"Switch {i}", address=address)
        for i, address in enumerate(addresses)
    ]
    clock, rng = SystemClock(), random.Random()
    with tempfile.TemporaryDirectory(prefix="beket-bench-") as folder:
        instruments = Instruments(site=SITE, unit="polling")
        spool = polling.Spool(Path(folder), site=SITE, cap_bytes=10**9, instruments=instruments)
        sink = Counting(spool)
        engine, pinger = polling.Backends(clock=clock, rng=rng), polling.Pinger(clock=clock, rng=rng)
        polls = polling.DevicePolls(
            snmp=engine,
            pinger=pinger,
            modules=polling.load_shipped(polling.full_catalogue()),
            secrets=SecretFolder(Path(folder)),
            clock=clock,
        )
        schedule = polling.Schedule(interval_s=interval_s)
        poller = polling.Poller(
            polls=polls, sink=sink, instruments=instruments, clock=clock, rng=rng, schedule=schedule
        )
        poller.apply(devices)
        running = asyncio.create_task(poller.run())
        await asyncio.sleep(interval_s + 2)
        sink.clear()
        began_s, cpu_s = time.monotonic(), time.process_time()
        await asyncio.sleep(rounds * interval_s)
        lasted_s, cpu_s = time.monotonic() - began_s, time.process_time() - cpu_s
        for _ in range(LATE_S):
            await asyncio.sleep(1)
            if min(sink.polls[device.id] for device in devices) >= rounds:
                break
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        engine.close()
        pinger.close()
    points = instruments.read(0)
    report = {
        "cpu_s": cpu_s,
        "lasted_s": lasted_s,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "fewest_polls": min(sink.polls[device.id] for device in devices),
        "port_values": sink.port_values,
        "missed": sum(point.value for point in points if point.name == metrics.POLLS_MISSED.name),
        "incomplete": sum(point.value for point in points if point.name == metrics.DEVICE_POLL_INCOMPLETE.name),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    sys.exit(main())
