"""Owns how samples that are not sealed yet become bytes: three columns, deflated lightly. Sans-I/O."""

import struct
import zlib
from collections.abc import Sequence

from beket.kernel.clock import NS_PER_S
from beket.kernel.errors import DataLoss

NS_PER_MS = NS_PER_S // 1000
# (series id, time in ms, value)
Sample = tuple[int, int, float]


def encode(samples: Sequence[Sample]) -> bytes:
    """One put's samples."""
    n = len(samples)
    ids, times_ms, values = zip(*samples, strict=True) if samples else ((), (), ())
    return zlib.compress(struct.pack(f"<{n}I{n}q{n}d", *ids, *times_ms, *values), 1)


def decode(data: bytes) -> list[Sample]:
    """The samples again.

    Raises:
        DataLoss: these bytes were never made by `encode`.
    """
    try:
        raw = zlib.decompress(data)
        n = len(raw) // 20
        columns = struct.unpack(f"<{n}I{n}q{n}d", raw)
    except (zlib.error, struct.error) as error:
        raise DataLoss(f"a row of the journal of samples is spoiled: {error}") from error
    return list(zip(columns[:n], columns[n : 2 * n], columns[2 * n :], strict=True))
