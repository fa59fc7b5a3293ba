"""Owns object identifiers: dotted text for people, raw BER content bytes everywhere else.

On the hot path an OID is never taken apart: a column is a prefix (`bytes.startswith`), an index is what follows it.
Raw OIDs are compared for equality only: base-128 numbers do not sort as bytes once they pass 2^14.
"""

import re

from beket.kernel.errors import InvalidArgument, ProtocolError
from beket.kernel.text import say

OID_MAX_SUB_IDS = 128
_DOTTED = re.compile(r"\.?[0-9]{1,10}(?:\.[0-9]{1,10}){1,127}")


def parse_oid(dotted: str) -> bytes:
    """BER content bytes of a dotted OID; a leading dot is allowed.

    Example:
        >>> parse_oid("1.3.6.1.2.1.1.3.0").hex()
        '2b06010201010300'

    Raises:
        InvalidArgument: not an OID.
    """
    if not _DOTTED.fullmatch(dotted):
        raise _not_an_oid(dotted)
    first, second, *rest = (int(part) for part in dotted.lstrip(".").split("."))
    if first > 2 or (first < 2 and second > 39):
        raise _not_an_oid(dotted)
    return b"".join(_base128(sub_id) for sub_id in (first * 40 + second, *rest))


def format_oid(raw: bytes) -> str:
    """The dotted text of BER content bytes.

    Raises:
        ProtocolError: the bytes end inside a sub-identifier, or are empty.
    """
    head, *rest = sub_ids(raw)
    first = min(head // 40, 2)
    return ".".join(str(n) for n in (first, head - first * 40, *rest))


def sub_ids(raw: bytes) -> list[int]:
    """Numbers in `raw`, taken as base-128; of a whole OID the first holds two arcs (X × 40 + Y), of an index none does.

    Raises:
        ProtocolError: the bytes end inside a sub-identifier, or are empty.
    """
    numbers: list[int] = []
    number = 0
    for octet in raw:
        number = number << 7 | octet & 0x7F
        if octet < 0x80:
            numbers.append(number)
            number = 0
    if not raw or raw[-1] > 0x7F:
        raise ProtocolError(say("Ідентифікатор об'єкта обірваний.", "An object identifier is cut short."))
    return numbers


def _base128(number: int) -> bytes:
    octets = [number & 0x7F]
    while number := number >> 7:
        octets.append(number & 0x7F | 0x80)
    return bytes(reversed(octets))


def _not_an_oid(dotted: str) -> InvalidArgument:
    return InvalidArgument(
        say("«{text}» не є ідентифікатором об'єкта (OID).", "“{text}” is not an object identifier.", text=dotted[:80])
    )
