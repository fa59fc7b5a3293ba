"""Owns the shorter forms of old samples: buckets of five minutes and of an hour: least, mean, greatest. Sans-I/O.

A bucket also says how many samples it is made of; of two buckets of one moment the one made of more counts, so making a
day again after late samples, or from half of its samples, never makes it worse. Least and greatest are exact. The mean
has two more decimal places than the samples where these lie close together, and is exact where they are no decimals.
Measured: collector/design/0042-tiers.md.
"""

import struct
import zlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from beket.kernel.errors import DataLoss
from collector.store import block

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
FORMAT = 1
_MEAN_PLACES = 2
# Samples of one bucket this many of their units apart or more need no finer mean.
_FAR_APART = 100
_AS_FLOATS = 255


@dataclass(frozen=True, slots=True)
class Tier:
    """One form: how long a bucket is, and how long the stretch that lies in one row."""

    step_ms: int
    period_ms: int


FIVE_MINUTES = Tier(5 * MINUTE_MS, DAY_MS)
HOURS = Tier(HOUR_MS, 10 * DAY_MS)
TIERS = (FIVE_MINUTES, HOURS)


@dataclass(frozen=True, slots=True)
class Buckets:
    """Buckets of one series in order of time, as columns; those without samples are left out."""

    starts_ms: list[int]
    counts: list[int]
    lows: list[float]
    means: list[float]
    highs: list[float]

    def __len__(self) -> int:
        return len(self.starts_ms)

    def rows(self) -> Iterator[tuple[int, int, float, float, float]]:
        """(start in ms, samples, least, mean, greatest) of each."""
        return zip(self.starts_ms, self.counts, self.lows, self.means, self.highs, strict=True)

    def extend(self, more: "Buckets") -> None:
        """Add later buckets behind."""
        self.starts_ms.extend(more.starts_ms)
        self.counts.extend(more.counts)
        self.lows.extend(more.lows)
        self.means.extend(more.means)
        self.highs.extend(more.highs)

    def between(self, start_ms: int, end_ms: int) -> "Buckets":
        """Those that begin in [start, end)."""
        those = slice(bisect_left(self.starts_ms, start_ms), bisect_left(self.starts_ms, end_ms))
        return Buckets(
            self.starts_ms[those], self.counts[those], self.lows[those], self.means[those], self.highs[those]
        )


def fold(times_ms: Sequence[int], values: Sequence[float], step_ms: int) -> Buckets:
    """Samples in order of time as buckets of `step_ms`."""
    made = Buckets([], [], [], [], [])
    at = 0
    while at < len(times_ms):
        start_ms = times_ms[at] // step_ms * step_ms
        end = bisect_left(times_ms, start_ms + step_ms, at)
        part = values[at:end]
        low, high = min(part), max(part)
        _append(made, start_ms, end - at, low, min(max(sum(part) / len(part), low), high), high)
        at = end
    return made


def coarsen(fine: Buckets, step_ms: int) -> Buckets:
    """Buckets as longer ones, each sample weighing the same."""
    made = Buckets([], [], [], [], [])
    at = 0
    while at < len(fine):
        start_ms = fine.starts_ms[at] // step_ms * step_ms
        end = bisect_left(fine.starts_ms, start_ms + step_ms, at)
        count = sum(fine.counts[at:end])
        low, high = min(fine.lows[at:end]), max(fine.highs[at:end])
        weighed = sum(n * mean for n, mean in zip(fine.counts[at:end], fine.means[at:end], strict=True)) / count
        _append(made, start_ms, count, low, min(max(weighed, low), high), high)
        at = end
    return made


def merge(old: Buckets, new: Buckets) -> Buckets:
    """The buckets of both; of one moment that made of more samples, else the new one."""
    if not len(new):
        return old
    together = {row[0]: row for row in old.rows()}
    for row in new.rows():
        known = together.get(row[0])
        if known is None or known[1] <= row[1]:
            together[row[0]] = row
    starts, counts, lows, means, highs = zip(*(together[start] for start in sorted(together)), strict=True)
    return Buckets(list(starts), list(counts), list(lows), list(means), list(highs))


def encode(buckets: Buckets, tier: Tier, *, stretch: int) -> bytes:
    """The bytes of buckets that all begin in the `stretch`-th stretch since 1970."""
    first = stretch * tier.period_ms
    columns = [
        block.encode_numbers([(start - first) // tier.step_ms for start in buckets.starts_ms]),
        block.encode_numbers(buckets.counts),
    ]
    decimals = block.decimals_of((*buckets.lows, *buckets.highs))
    if decimals is None:
        head = bytes((FORMAT, _AS_FLOATS, 0))
        columns += [_deflated(column) for column in (buckets.lows, buckets.means, buckets.highs)]
    else:
        scale = 10**decimals
        lows = [round(low * scale) for low in buckets.lows]
        ranges = [round(high * scale) - low for high, low in zip(buckets.highs, lows, strict=True)]
        is_fine = max(ranges, default=0) < _FAR_APART
        finer = min(_MEAN_PLACES, block.DECIMALS_MAX - decimals) if is_fine else 0
        means = [
            min(max(round(mean * scale * 10**finer) - low * 10**finer, 0), span * 10**finer)
            for mean, low, span in zip(buckets.means, lows, ranges, strict=True)
        ]
        head = bytes((FORMAT, decimals, finer))
        columns += [block.encode_numbers(column) for column in (lows, means, ranges)]
    sizes = block.pack([len(buckets), *map(len, columns)])
    return head + sizes + b"".join(columns)


def decode(data: bytes, tier: Tier, *, stretch: int) -> Buckets:
    """The buckets of a row.

    Raises:
        DataLoss: these bytes were never made by `encode`.
    """
    try:
        return _decode(data, tier, stretch * tier.period_ms)
    except (IndexError, zlib.error, struct.error, ValueError, OverflowError) as error:
        raise DataLoss(f"a row of buckets is spoiled: {error}") from error


def _decode(data: bytes, tier: Tier, first_ms: int) -> Buckets:
    if data[0] != FORMAT:
        raise ValueError(f"unknown format {data[0]}")
    decimals, finer = data[1], data[2]
    at = 3
    sizes = []
    for _ in range(6):
        size, at = block.varint(data, at)
        sizes.append(size)
    count = sizes[0]
    if not 0 <= count <= tier.period_ms // tier.step_ms or min(sizes) < 0:
        raise ValueError("no row has such sizes")
    columns = []
    for size in sizes[1:]:
        columns.append(data[at : at + size])
        at += size
    starts = [first_ms + place * tier.step_ms for place in block.decode_numbers(columns[0], count)]
    counts = block.decode_numbers(columns[1], count)
    if decimals == _AS_FLOATS:
        return Buckets(starts, counts, *(_inflated(column, count) for column in columns[2:]))
    if decimals + finer > block.DECIMALS_MAX:
        raise ValueError(f"unknown coding {decimals}")
    lows, means, ranges = (block.decode_numbers(column, count) for column in columns[2:])
    scale, mean_scale, step = 10**decimals, 10 ** (decimals + finer), 10**finer
    return Buckets(
        starts,
        counts,
        [low / scale for low in lows],
        [(low * step + mean) / mean_scale for low, mean in zip(lows, means, strict=True)],
        [(low + span) / scale for low, span in zip(lows, ranges, strict=True)],
    )


def _append(made: Buckets, start_ms: int, count: int, low: float, mean: float, high: float) -> None:
    made.starts_ms.append(start_ms)
    made.counts.append(count)
    made.lows.append(low)
    made.means.append(mean)
    made.highs.append(high)


def _deflated(column: Sequence[float]) -> bytes:
    return zlib.compress(block.shuffled(column), 9, wbits=-15)


def _inflated(column: bytes, count: int) -> list[float]:
    return block.unshuffled(block.inflate(column, 8 * count), count)
