"""Owns the elements that SNMP messages are made of: tag, length, content (X.690 §8, definite lengths). Sans-I/O.

Tolerates what is known to be wrong and harmless: long-form lengths where short ones would do, numbers of nine octets.
"""

TAG_INTEGER = 0x02
TAG_OCTETS = 0x04
TAG_NULL = 0x05
TAG_OID = 0x06
TAG_SEQUENCE = 0x30

# A 64-bit unsigned number needs nine octets at most; longer ones are no SNMP number.
NUMBER_MAX_OCTETS = 9


class WrongShape(Exception):
    """An element is not what belongs in its place."""


def open_element(data: bytes, at: int, tag: int | None) -> tuple[int, int, int]:
    """Tag, start and end of the content of the element at `at`; the end may lie past the data.

    Raises:
        WrongShape: another tag stands there, or a length that no datagram has.
        IndexError: the data end before the content begins.
    """
    found = data[at]
    if tag is not None and found != tag:
        raise WrongShape(f"tag {found:#04x} where {tag:#04x} belongs")
    size = data[at + 1]
    start = at + 2
    if size > 127:
        octets = size & 127
        if not 1 <= octets <= 4:
            raise WrongShape("a length that no datagram has")
        start += octets
        size = int.from_bytes(data[at + 2 : start])
    return found, start, start + size


def read_elements(data: bytes, at: int, end: int) -> list[tuple[int, int, int]]:
    """Tag, start and end of the content of each element from `at` on, all of which lie before `end`.

    Raises:
        WrongShape: an element reaches past `end`, or has a length that no datagram has.
        IndexError: the data end inside a length.
    """
    found = []
    while at < end:
        tag, size, start = data[at], data[at + 1], at + 2
        if size > 127:
            _, start, at = open_element(data, at, tag)
        else:
            at = start + size
        found.append((tag, start, at))
    if at != end or end > len(data):
        raise WrongShape("cut short")
    return found


def read_number(data: bytes, at: int) -> tuple[int, int]:
    """The INTEGER at `at` and where it ends.

    Raises:
        WrongShape, IndexError: as `open_element`; the number is too long, empty or cut off.
    """
    _, start, end = open_element(data, at, TAG_INTEGER)
    if not 1 <= end - start <= NUMBER_MAX_OCTETS or end > len(data):
        raise WrongShape("a number too long or too short")
    return int.from_bytes(data[start:end], signed=True), end


def tlv(tag: int, content: bytes) -> bytes:
    """`content` with its tag and length."""
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    return bytes((tag, 0x82)) + size.to_bytes(2) + content


def integer(number: int) -> bytes:
    """A whole number that is not negative, encoded."""
    return tlv(TAG_INTEGER, number.to_bytes(number.bit_length() // 8 + 1))
