"""Owns how one series' samples of one hour become bytes: a column of times, a column of values. Sans-I/O, lossless.

Both columns are whole numbers: times in ms from the start of the hour; values that are decimals of up to six places, as
nearly all are (counters, states, rounded measurements), times a power of ten. A column is stored as itself, as
differences or as differences of differences, all numbers in equally many bits; where one outlier makes that dear, as
deflated variable-length integers. The shortest wins. Values that are no such decimals are 64-bit floats, bytes of equal
rank together, deflated. Measured: collector/design/0017-samples.md.
"""

import math
import struct
import zlib
from collections.abc import Iterable, Sequence

from beket.kernel.errors import DataLoss

FORMAT = 1
DECIMALS_MAX = 6
# Bounds for decoding: a sample a millisecond, and a number as `pack` may write it.
SAMPLES_MAX = 3_600_000
NUMBER_MAX_BYTES = 12
# Larger numbers are shorter as floats.
_WHOLE_MAX = 2.0**63
_AS_FLOATS = 255
# Codings of a column of whole numbers: order of difference (0-2), plus this when deflated.
_DEFLATED = 4
_ORDERS = (0, 1, 2)
# Columns up to this many bits a number are short enough not to try deflate.
_CHEAP_BITS = 6

Samples = tuple[list[int], list[float]]


def encode(times_ms: Sequence[int], values: Sequence[float], *, start_ms: int) -> bytes:
    """The block of samples in order of time; `start_ms` is the hour that all times are counted from."""
    times = encode_numbers([time_ms - start_ms for time_ms in times_ms])
    decimals = decimals_of(values)
    if decimals is None:
        column = bytes((_AS_FLOATS,)) + zlib.compress(shuffled(values), 9, wbits=-15)
    else:
        scale = 10**decimals
        column = bytes((decimals,)) + encode_numbers([round(value * scale) for value in values])
    return bytes((FORMAT,)) + pack([len(times_ms), len(times)]) + times + column


def decode(block: bytes, *, start_ms: int) -> Samples:
    """Times in ms and values of a block.

    Raises:
        DataLoss: these bytes were never made by `encode`.
    """
    try:
        return _decode(block, start_ms)
    except (IndexError, zlib.error, struct.error, ValueError, OverflowError) as error:
        raise DataLoss(f"a block of samples is spoiled: {error}") from error


def merge(old: Samples, new: Iterable[tuple[int, float]]) -> Samples:
    """Samples of both in order of time; where both have a moment the new one counts."""
    together = dict(zip(*old, strict=True))
    together.update(new)
    times = sorted(together)
    return times, [together[time] for time in times]


def _decode(block: bytes, start_ms: int) -> Samples:
    if block[0] != FORMAT:
        raise ValueError(f"unknown format {block[0]}")
    count, at = varint(block, 1)
    size, at = varint(block, at)
    if not 0 <= count <= SAMPLES_MAX or size < 0:
        raise ValueError("no block has such sizes")
    times = [start_ms + offset for offset in decode_numbers(block[at : at + size], count)]
    coding = block[at + size]
    column = block[at + size + 1 :]
    if coding == _AS_FLOATS:
        return times, unshuffled(inflate(column, 8 * count), count)
    if coding > DECIMALS_MAX:
        raise ValueError(f"unknown coding {coding}")
    scale = 10**coding
    return times, [number / scale for number in decode_numbers(column, count)]


def encode_numbers(numbers: Sequence[int]) -> bytes:
    """A column of whole numbers in its shortest coding."""
    columns = []
    for order in _ORDERS:
        if order:
            numbers = _differences(numbers)
        columns.append(bytes((order,)) + _in_equal_bits(numbers[order:], numbers[:order]))
        if order and len(columns[-1]) * 8 > len(numbers) * _CHEAP_BITS:
            columns.append(bytes((order | _DEFLATED,)) + zlib.compress(pack(numbers), 9, wbits=-15))
    return min(columns, key=len)


def decode_numbers(column: bytes, count: int) -> list[int]:
    """The `count` numbers of a column; bytes that are none are one of the errors that `decode` catches."""
    order = column[0] & ~_DEFLATED
    if order not in _ORDERS:
        raise ValueError(f"unknown coding {column[0]}")
    if column[0] & _DEFLATED:
        numbers = _unpack(inflate(column[1:], NUMBER_MAX_BYTES * count))
    else:
        numbers = _from_equal_bits(column[1:], count, order)
    if len(numbers) != count:
        raise ValueError("a column of another length")
    for _ in range(order):
        numbers = _sums(numbers)
    return numbers


def _in_equal_bits(numbers: Sequence[int], first: Sequence[int]) -> bytes:
    """`first` as they are (heads of differences are large), the least number, the width, and all in `width` bits."""
    least = min(numbers, default=0)
    width = (max(numbers, default=0) - least).bit_length()
    if not width:
        return pack([*first, least, 0])
    # Through text, which is linear however many numbers there are; shifting one large number is not.
    bits = "".join([f"{number - least:0{width}b}" for number in numbers])
    return pack([*first, least, width]) + int(bits, 2).to_bytes((len(bits) + 7) // 8)


def _from_equal_bits(data: bytes, count: int, heads: int) -> list[int]:
    at = 0
    first = []
    for _ in range(min(heads, count)):
        number, at = varint(data, at)
        first.append(number)
    least, at = varint(data, at)
    width, at = varint(data, at)
    rest = count - len(first)
    if width == 0:
        return first + [least] * rest
    if not 0 < width <= 8 * NUMBER_MAX_BYTES or (len(data) - at) != (rest * width + 7) // 8:
        raise ValueError("no column has such a width")
    bits = f"{int.from_bytes(data[at:]):0{rest * width}b}"
    return first + [least + int(bits[place : place + width], 2) for place in range(0, rest * width, width)]


def inflate(data: bytes, max_bytes: int) -> bytes:
    """What was deflated, if it is no longer than `max_bytes`."""
    inflater = zlib.decompressobj(wbits=-15)
    raw = inflater.decompress(data, max(1, max_bytes))
    if not inflater.eof:
        raise ValueError("a column longer than its block")
    return raw


def decimals_of(values: Sequence[float]) -> int | None:
    """The least power of ten that makes all values whole and gives them back exactly; None when there is none."""
    if not all(math.isfinite(value) for value in values):
        return None
    for decimals in range(DECIMALS_MAX + 1):
        scale = 10**decimals
        if all(
            abs(value) * scale <= _WHOLE_MAX and round(value * scale) / scale == value and not _is_minus_zero(value)
            for value in values
        ):
            return decimals
    return None


def _is_minus_zero(value: float) -> bool:
    return value == 0 and math.copysign(1, value) < 0


def shuffled(values: Sequence[float]) -> bytes:
    """64-bit floats, bytes of equal rank together."""
    raw = struct.pack(f"<{len(values)}d", *values)
    return b"".join(raw[rank::8] for rank in range(8))


def unshuffled(raw: bytes, count: int) -> list[float]:
    """The floats again; anything else than `count` of them is a struct.error."""
    return list(struct.unpack(f"<{count}d", b"".join(raw[i::count] for i in range(count))))


def _differences(numbers: Sequence[int]) -> list[int]:
    return [number - before for before, number in zip((0, *numbers), numbers, strict=False)]


def _sums(differences: Iterable[int]) -> list[int]:
    total = 0
    return [total := total + difference for difference in differences]


def pack(numbers: Iterable[int]) -> bytes:
    """Zigzag variable-length integers, seven bits a byte, least first."""
    out = bytearray()
    for number in numbers:
        rest = number << 1 if number >= 0 else (-number << 1) - 1
        while rest > 0x7F:
            out.append(rest & 0x7F | 0x80)
            rest >>= 7
        out.append(rest)
    return bytes(out)


def _unpack(data: bytes) -> list[int]:
    numbers = []
    at = 0
    while at < len(data):
        number, at = varint(data, at)
        numbers.append(number)
    return numbers


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The zigzag number at `at`, and where the next one begins."""
    rest = shift = 0
    while (octet := data[at]) > 0x7F:
        rest |= (octet & 0x7F) << shift
        shift += 7
        at += 1
    rest |= octet << shift
    return (rest >> 1 if not rest & 1 else -(rest >> 1) - 1), at + 1
