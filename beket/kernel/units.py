"""Owns the units that names carry and the few conversions between them.

Media time is counted in ticks of 1/90 000 s (`_90k`, RFC 3551 §5 for video), never in float seconds.
"""

TICKS_PER_S = 90_000
NS_PER_TICK_NUMERATOR = 100_000  # 1 s / 90 000 = 100 000 / 9 ns
NS_PER_TICK_DENOMINATOR = 9

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


def ns_to_90k(duration_ns: int) -> int:
    """Whole 90 kHz ticks in `duration_ns`, rounded to the nearest, halves up.

    Example:
        >>> ns_to_90k(1_000_000_000), ns_to_90k(11_111), ns_to_90k(-1_000_000_000)
        (90000, 1, -90000)
    """
    return (duration_ns * NS_PER_TICK_DENOMINATOR * 2 + NS_PER_TICK_NUMERATOR) // (2 * NS_PER_TICK_NUMERATOR)


def ticks_to_ns(ticks_90k: int) -> int:
    """Nanoseconds of `ticks_90k`, rounded to the nearest; `ns_to_90k` gives the same ticks back.

    Example:
        >>> ticks_to_ns(90_000), ticks_to_ns(1)
        (1000000000, 11111)
    """
    return (ticks_90k * NS_PER_TICK_NUMERATOR * 2 + NS_PER_TICK_DENOMINATOR) // (2 * NS_PER_TICK_DENOMINATOR)


def spell_bytes(size_bytes: int) -> str:
    """A size as people read it, in binary steps with Ukrainian units.

    Example:
        >>> spell_bytes(512), spell_bytes(1536), spell_bytes(5 * GIB)
        ('512 Б', '1,5 КіБ', '5,0 ГіБ')
    """
    if size_bytes < KIB:
        return f"{size_bytes} Б"
    units = ("КіБ", "МіБ", "ГіБ", "ТіБ")
    power = min((size_bytes.bit_length() - 1) // 10, len(units))
    return f"{size_bytes / KIB**power:.1f} {units[power - 1]}".replace(".", ",")
