"""`samples_store`: what a stored sample takes on disk, and how long a graph of 30 days takes to read.

Half a switch and its device, a sample a minute for 30 days, kept as a centre keeps them: 14 days as they came, all of
it as five minutes and as hours. The control is what anybody would do first: one row a sample in SQLite, keyed by series
and time, grouped by the hour when asked. The graph is ten counters of ports, least, mean and greatest of each hour.
"""

import contextlib
import platform
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from beket.kernel.metrics import Labels, Point
from collector.store.journal import NS_PER_MS
from collector.store.keeping import Keeping
from collector.store.samples import SampleStore
from collector.store.tiers import DAY_MS, HOUR_MS, MINUTE_MS
from tests.benchmarks.result import Measured, Result, compare

DAYS = 30
START_MS = 19_676 * DAY_MS
END_MS = START_MS + DAYS * DAY_MS
# Of 12 ports in use as a school's are, and their device: two thirds of all series hardly ever change.
SHARES = {"busy": 6, "quiet": 8, "constant": 46, "errors": 48, "latency": 1, "uptime": 1}
DRAWN = 10
BYTES_MAX, GRAPH_MAX_MS, LATEST_MAX_MS = 3.0, 100.0, 10.0
SERIES_AT_PRESENT = 20_000
NAME = "port_in_bytes_total"


def run(*, pairs: int) -> Result:
    """Fill both once, then ask `pairs` times."""
    with tempfile.TemporaryDirectory(prefix="beket-bench-") as name:
        folder = Path(name)
        with contextlib.closing(SampleStore(folder / "ours.db")) as store, _rows(folder / "control.db") as control:
            samples = _fill(store, control)
            ours_ms: list[float] = []
            control_ms: list[float] = []
            same, latest_ms = True, _latest_ms(folder)
            for _ in range(max(20, pairs)):
                ours, theirs = _timed(lambda: _ours(store), ours_ms), _timed(lambda: _control(control), control_ms)
                same = same and _agree(ours, theirs)
            raw, block_bytes = store.sealed_size()
            control_bytes = (folder / "control.db").stat().st_size
        held = raw + _buckets(folder / "ours.db")
        file_bytes = (folder / "ours.db").stat().st_size
        checks = {
            "at_most_3_bytes_a_sample": max(file_bytes / held, block_bytes / raw) <= BYTES_MAX,
            "graph_within_100_ms": _p95(ours_ms) <= GRAPH_MAX_MS,
            "graph_says_what_the_rows_say": same,
            "latest_of_20000_series_within_10_ms": latest_ms <= LATEST_MAX_MS,
        }
        ratio, ours_b, control_b, spread, _ = compare(
            lambda: Measured(file_bytes / held), lambda: Measured(control_bytes / samples), pairs=1
        )
    return Result(
        name="samples_store",
        ratio=ratio,
        ours=ours_b,
        control=control_b,
        unit="bytes of file a sample or bucket",
        n=len(ours_ms),
        spread=spread,
        checks=checks,
        control_cmd="SQLite, one row a sample (series, time, value) WITHOUT ROWID; the graph by GROUP BY hour",
        versions={
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            "samples": f"{samples} taken, {raw} kept raw, {held - raw} buckets",
            "bytes_a_raw_sample_in_blocks": f"{block_bytes / raw:.2f}",
            "file_bytes_a_sample_taken": f"{file_bytes / samples:.2f}",
            "graph_30_days_ms": f"median {statistics.median(ours_ms):.1f}, p95 {_p95(ours_ms):.1f}",
            "control_graph_30_days_ms": f"median {statistics.median(control_ms):.1f}",
            "latest_20000_series_ms": f"{latest_ms:.2f}",
        },
    )


def _series() -> list[tuple[str, Labels]]:
    kinds = [kind for kind, share in SHARES.items() for _ in range(share)]
    devices = ["drawn"] * DRAWN + ["other"] * len(kinds)
    return [(kind, (("device", devices[i]), ("port", f"{kind}{i}"))) for i, kind in enumerate(kinds)]


def _fill(store: SampleStore, control: sqlite3.Connection) -> int:
    """The same samples into both; how many."""
    rng, keep = random.Random(7), Keeping()
    series = _series()
    loads = [10 ** rng.uniform(3, 8) for _ in series]
    values = [float(rng.randrange(10**6, 10**12)) for _ in series]
    taken = 0
    for hour in range(DAYS * 24):
        points: list[Point] = []
        for minute in range(60):
            at_ms = START_MS + hour * HOUR_MS + minute * MINUTE_MS + rng.randrange(8)
            for i, (kind, labels) in enumerate(series):
                values[i] = _next(rng, kind, values[i], loads[i], at_ms)
                points.append(Point(NAME, labels, at_ms * NS_PER_MS, values[i]))
        store.put(points)
        number = {labels: i for i, (_, labels) in enumerate(series)}
        control.executemany(
            "INSERT INTO samples VALUES (?, ?, ?)",
            [(number[p.labels], p.wall_ns // NS_PER_MS, p.value) for p in points],
        )
        taken += len(points)
        store.maintain((START_MS + (hour + 1) * HOUR_MS + 601_000) * NS_PER_MS, keep=keep)
    control.commit()
    return taken


def _next(rng: random.Random, kind: str, value: float, load: float, at_ms: int) -> float:
    if kind == "busy":  # some megabytes a minute by day, a tenth by night
        by_day = 6 <= at_ms // HOUR_MS % 24 < 18
        return value + round(load * (1 if by_day else 0.1) * rng.lognormvariate(0, 0.7))
    if kind == "quiet":
        return value + rng.randrange(400, 3000)
    if kind == "errors":
        return value + (rng.random() < 0.02)
    if kind == "latency":
        return round(0.004 + rng.expovariate(500), 5)
    if kind == "uptime":
        return round((at_ms - START_MS) / 1000, 2)
    return value


@contextlib.contextmanager
def _rows(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-400000")
        connection.execute(
            "CREATE TABLE samples (series INTEGER, at_ms INTEGER, value REAL, PRIMARY KEY (series, at_ms)) "
            "WITHOUT ROWID"
        )
        yield connection


Drawn = dict[str, list[tuple[int, float, float, float]]]


def _ours(store: SampleStore) -> Drawn:
    start_ns, end_ns = START_MS * NS_PER_MS, END_MS * NS_PER_MS
    found = store.graph(NAME, {"device": "drawn"}, start_ns=start_ns, end_ns=end_ns, buckets_max=1000)
    return {dict(one.labels)["port"]: [(row[0], *row[2:]) for row in one.buckets.rows()] for one in found}


def _control(connection: sqlite3.Connection) -> Drawn:
    query = (
        "SELECT at_ms / 3600000 * 3600000, min(value), avg(value), max(value) FROM samples "
        "WHERE series = ? AND at_ms >= ? AND at_ms < ? GROUP BY 1 ORDER BY 1"
    )
    named = enumerate(dict(labels)["port"] for _, labels in _series()[:DRAWN])
    return {port: connection.execute(query, (i, START_MS, END_MS)).fetchall() for i, port in named}


def _agree(ours: Drawn, theirs: Drawn) -> bool:
    """Bounds to the last bit, the mean to half a unit of what is counted."""
    pairs = [(a, b) for port in theirs for a, b in zip(ours[port], theirs[port], strict=True)]
    return len(pairs) == DRAWN * DAYS * 24 and all(
        (a[0], a[1], a[3]) == (b[0], b[1], b[3]) and abs(a[2] - b[2]) <= 0.51 for a, b in pairs
    )


def _timed(ask: Callable[[], Drawn], into: list[float]) -> Drawn:
    began = time.perf_counter()
    found = ask()
    into.append((time.perf_counter() - began) * 1000)
    return found


def _p95(figures: list[float]) -> float:
    return statistics.quantiles(figures, n=20)[-1]


def _buckets(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        tables = ("five_minutes", "hours")
        return sum(connection.execute(f"SELECT sum(buckets) FROM {table}").fetchone()[0] for table in tables)


def _latest_ms(folder: Path) -> float:
    with contextlib.closing(SampleStore(folder / "present.db")) as store:
        store.put([Point(NAME, (("port", str(i)),), START_MS * NS_PER_MS, 1.0) for i in range(SERIES_AT_PRESENT)])
        figures = []
        for _ in range(21):
            began = time.perf_counter()
            found = store.latest(START_MS * NS_PER_MS)
            figures.append((time.perf_counter() - began) * 1000)
        assert len(found) == SERIES_AT_PRESENT
    return statistics.median(figures)
