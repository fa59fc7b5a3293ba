"""Years of a centre's samples in minutes: outages with their backlogs, gear that comes and goes, restarts, a cap."""

import random
from dataclasses import dataclass
from pathlib import Path

from beket.kernel.clock import NS_PER_S
from beket.kernel.metrics import Instruments, Point
from collector.store.keeping import DAY_S, Keeping
from collector.store.samples import SampleStore

DAY_NS = DAY_S * NS_PER_S
FIRST_DAY = 19_676
LASTING = 8
NAME = "port_in_bytes_total"
ROUNDS_A_DAY = 4


@dataclass(frozen=True, slots=True)
class Lived:
    """What was seen at the end of each day.

    Attributes:
        largest_bytes: of the file, at any time.
        used_bytes: of what it holds, the most at any time.
        put: samples that were put, of all series.
        held: samples and the counts of buckets that the lasting series have at the end.
        series: how many there are at the end.
        sacrificed: samples and buckets that the cap took.
    """

    largest_bytes: int
    used_bytes: float
    put: int
    held: int
    series: float
    sacrificed: float


def live(folder: Path, *, days: int, every_s: int, keep: Keeping) -> Lived:
    """So many days of eight ports that last and one new one each ten days, a sample each `every_s`."""
    rng = random.Random(5)
    path = folder / "samples.db"
    store = SampleStore(path)
    totals: dict[str, float] = {}
    backlog: list[Point] = []
    put = largest_bytes = 0
    used_bytes = series = sacrificed = 0.0
    dark_until = 0
    for day in range(days):
        if day >= dark_until and rng.random() < 0.05:
            dark_until = day + rng.randrange(1, 4)
        for part in range(ROUNDS_A_DAY):
            start_ns = (FIRST_DAY + day) * DAY_NS + part * DAY_NS // ROUNDS_A_DAY
            points = []
            for at_ns in range(start_ns, start_ns + DAY_NS // ROUNDS_A_DAY, every_s * NS_PER_S):
                for port in (*(f"gi{i}" for i in range(LASTING)), f"new{day // 10}"):
                    totals[port] = totals.get(port, 0.0) + round(10**6 * rng.lognormvariate(0, 0.7))
                    points.append(Point(NAME, (("port", port),), at_ns, totals[port]))
            put += len(points)
            backlog += points
            if day >= dark_until:
                store.put(backlog)
                backlog = []
            store.maintain(start_ns + DAY_NS // ROUNDS_A_DAY + 700 * NS_PER_S, keep=keep)
        if rng.random() < 0.05:
            store.close()
            store = SampleStore(path)
        store.measure(instruments := Instruments(unit="centre"))
        numbers = {p.name: p.value for p in instruments.read(0)}
        used_bytes = max(used_bytes, numbers["samples_store_bytes"])
        series = numbers["samples_stored_series"]
        sacrificed = sum(p.value for p in instruments.read(0) if p.name == "samples_sacrificed_total")
        largest_bytes = max(largest_bytes, path.stat().st_size)
    store.put(backlog)
    drawn = store.graph(NAME, start_ns=FIRST_DAY * DAY_NS, end_ns=(FIRST_DAY + days) * DAY_NS, buckets_max=100)
    held = sum(sum(one.buckets.counts) for one in drawn if dict(one.labels)["port"].startswith("gi"))
    store.close()
    return Lived(largest_bytes, used_bytes, put, held, series, sacrificed)
