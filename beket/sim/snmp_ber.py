"""Owns the simulated gear's own reading and writing of SNMP messages; deliberately not the agents' codec, so that each
checks the other.

Knows v1 and v2c requests and what an agent answers (RFC 1157, RFC 3416, BER of X.690 with definite lengths). Datagrams
come from anybody: `parse_request` raises `ProtocolError` and nothing else.
"""

from dataclasses import dataclass
from enum import IntEnum

from beket.kernel.errors import ProtocolError

Oid = tuple[int, ...]

DATAGRAM_MAX_BYTES = 65_507
VARBINDS_MAX = 4096
_SUB_ID_MAX = 0xFFFF_FFFF

INTEGER, OCTET_STRING, NULL, OBJECT_ID, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
IP_ADDRESS, COUNTER32, GAUGE32, TIME_TICKS, COUNTER64 = 0x40, 0x41, 0x42, 0x43, 0x46
NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_MIB_VIEW = b"\x80\x00", b"\x81\x00", b"\x82\x00"
NULL_VALUE = b"\x05\x00"


class Pdu(IntEnum):
    """Kinds of message, by their tag."""

    GET = 0xA0
    GET_NEXT = 0xA1
    RESPONSE = 0xA2
    SET = 0xA3
    GET_BULK = 0xA5


class ErrorStatus(IntEnum):
    """What an agent says when it cannot (RFC 3416 §3)."""

    OK = 0
    TOO_BIG = 1
    NO_SUCH_NAME = 2
    GENERAL = 5
    NOT_WRITABLE = 17


@dataclass(frozen=True, slots=True)
class Request:
    """One message of a client.

    Attributes:
        is_v1: SNMPv1; otherwise v2c.
        first, second: error-status and error-index; for GETBULK non-repeaters and max-repetitions.
        names: the variables asked for; values of a SET are read over.
    """

    is_v1: bool
    community: bytes
    pdu: Pdu
    request_id: int
    first: int
    second: int
    names: tuple[Oid, ...]


def parse_request(datagram: bytes) -> Request:
    """Read a client's message.

    Raises:
        ProtocolError: not an SNMP v1 or v2c request of a kind that an agent serves.
    """
    try:
        return _parse_request(datagram)
    except (IndexError, ValueError) as error:
        raise ProtocolError(f"not an SNMP request: {error}") from None


def compose_response(request: Request, varbinds: bytes, status: ErrorStatus = ErrorStatus.OK, index: int = 0) -> bytes:
    """The answer to `request` with already encoded `varbinds`."""
    body = encode_int(request.request_id) + encode_int(status) + encode_int(index) + wrap(SEQUENCE, varbinds)
    version = b"\x02\x01\x00" if request.is_v1 else b"\x02\x01\x01"
    return wrap(SEQUENCE, version + wrap(OCTET_STRING, request.community) + wrap(Pdu.RESPONSE, body))


def compose_varbind(encoded_name: bytes, encoded_value: bytes) -> bytes:
    """One variable with its value."""
    return wrap(SEQUENCE, encoded_name + encoded_value)


def wrap(tag: int, body: bytes) -> bytes:
    """`body` with its tag and length."""
    length = len(body)
    if length < 0x80:
        return bytes((tag, length)) + body
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + body


def encode_int(value: int, tag: int = INTEGER) -> bytes:
    """A whole number, also an unsigned one with an application tag: a leading zero keeps it positive (X.690 §8.3).

    Example:
        >>> encode_int(-1).hex(), encode_int(128).hex(), encode_int(0xFFFFFFFF, COUNTER32).hex()
        ('0201ff', '02020080', '410500ffffffff')
    """
    magnitude = value if value >= 0 else ~value
    return wrap(tag, value.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True))


def encode_oid(oid: Oid) -> bytes:
    """An object identifier of at least two numbers.

    Example:
        >>> encode_oid((1, 3, 6, 1, 4, 1, 32473)).hex()
        '06082b0601040181fd59'
    """
    body = bytearray()
    for number in (oid[0] * 40 + oid[1], *oid[2:]):
        septets = [number & 0x7F]
        while number := number >> 7:
            septets.append(0x80 | number & 0x7F)
        body += bytes(reversed(septets))
    return wrap(OBJECT_ID, bytes(body))


def decode_oid(body: bytes) -> Oid:
    """The object identifier whose contents are `body`.

    Raises:
        ValueError: empty, cut off, or a number over 32 bits.
    """
    numbers: list[int] = []
    number = 0
    for octet in body:
        number = number << 7 | octet & 0x7F
        if number > _SUB_ID_MAX:
            raise ValueError("an OID with a number over 32 bits")
        if octet < 0x80:
            numbers.append(number)
            number = 0
    if not numbers or body[-1] >= 0x80:
        raise ValueError("an OID that is empty or cut off")
    first = min(numbers[0] // 40, 2)
    return (first, numbers[0] - 40 * first, *numbers[1:])


class _Reader:
    """Walks the elements of one constructed value."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def has_more(self) -> bool:
        return self._at < len(self._data)

    def element(self) -> tuple[int, bytes]:
        tag, length = self._data[self._at], self._data[self._at + 1]
        begin = self._at + 2
        if length >= 0x80:
            octets = length & 0x7F
            if not 1 <= octets <= 4:
                raise ValueError("a length that is indefinite or absurd")
            length = int.from_bytes(self._data[begin : begin + octets], "big")
            begin += octets
        self._at = begin + length
        if self._at > len(self._data):
            raise ValueError("an element longer than what holds it")
        return tag, self._data[begin : self._at]

    def body(self, expected_tag: int) -> bytes:
        tag, body = self.element()
        if tag != expected_tag:
            raise ValueError(f"tag {tag:#x} where {expected_tag:#x} belongs")
        return body

    def integer(self) -> int:
        body = self.body(INTEGER)
        if not 1 <= len(body) <= 4:
            raise ValueError("an integer over 32 bits")
        return int.from_bytes(body, "big", signed=True)


def _parse_request(datagram: bytes) -> Request:
    if len(datagram) > DATAGRAM_MAX_BYTES:
        raise ValueError("longer than a datagram can be")
    message = _Reader(_Reader(datagram).body(SEQUENCE))
    version = message.integer()
    if version not in (0, 1):
        raise ValueError(f"version {version}")
    community = message.body(OCTET_STRING)
    tag, body = message.element()
    pdu = Pdu(tag)
    if pdu is Pdu.RESPONSE or (pdu is Pdu.GET_BULK and version == 0):
        raise ValueError(f"{pdu.name} is no question of this version")
    fields = _Reader(body)
    request_id, first, second = fields.integer(), fields.integer(), fields.integer()
    varbinds = _Reader(fields.body(SEQUENCE))
    names: list[Oid] = []
    while varbinds.has_more():
        if len(names) == VARBINDS_MAX:
            raise ValueError("too many variables")
        names.append(decode_oid(_Reader(varbinds.body(SEQUENCE)).body(OBJECT_ID)))
    return Request(version == 0, community, pdu, request_id, first, second, tuple(names))
