"""Owns the bytes of SNMP v1 and v2c messages: encodes requests, decodes responses. Sans-I/O, any thread.

The decoder is one pass over the datagram, specialised for the one shape a response has; OIDs stay raw BER bytes and no
ASN.1 objects are made. It is tolerant where agents are known to be wrong and the meaning is plain (unsigned values sent
as negative, unknown tags, long-form lengths, trailing bytes) and keeps every varbind's place, so that one bad value
costs one cell. Everything else raises `ProtocolError`, in time linear to the datagram.
Note: agents/design/0015-snmp-hot-path.md. Source: RFC 1157, RFC 3416, X.690 §8.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from beket.kernel.errors import ProtocolError
from beket.kernel.text import say

Value = int | bytes | None
# One variable binding: raw OID, BER tag, value. Numbers are int, text and OIDs bytes, absent None.
Varbind = tuple[bytes, int, Value]

TAG_INTEGER = 0x02
TAG_OCTETS = 0x04
TAG_NULL = 0x05
TAG_OID = 0x06
TAG_SEQUENCE = 0x30
TAG_COUNTER32 = 0x41
TAG_GAUGE32 = 0x42
TAG_TIMETICKS = 0x43
TAG_COUNTER64 = 0x46
TAG_UINTEGER32 = 0x47
TAG_NO_SUCH_OBJECT = 0x80
TAG_NO_SUCH_INSTANCE = 0x81
TAG_END_OF_MIB_VIEW = 0x82
# Not BER: marks a varbind whose value could not be read; its place, and its name if it had one, are kept.
TAG_MALFORMED = -1

PDU_RESPONSE = 0xA2

_UNSIGNED = frozenset({TAG_COUNTER32, TAG_GAUGE32, TAG_TIMETICKS, TAG_COUNTER64, TAG_UINTEGER32})
_EMPTY = frozenset({TAG_NULL, TAG_NO_SUCH_OBJECT, TAG_NO_SUCH_INSTANCE, TAG_END_OF_MIB_VIEW})
# A 64-bit unsigned number needs nine octets at most; longer ones are no SNMP number.
_NUMBER_MAX_OCTETS = 9


class Pdu(IntEnum):
    """Requests that we send, by tag."""

    GET = 0xA0
    GET_NEXT = 0xA1
    GET_BULK = 0xA5


class Version(IntEnum):
    """Message version as it stands on the wire."""

    V1 = 0
    V2C = 1


class ErrorStatus(IntEnum):
    """Error-status values that change what we do (RFC 3416 §3)."""

    NO_ERROR = 0
    TOO_BIG = 1
    NO_SUCH_NAME = 2
    GEN_ERR = 5


class Response(NamedTuple):
    """A decoded response. `error_index` counts varbinds from 1; 0 means none in particular."""

    request_id: int
    error_status: int
    error_index: int
    varbinds: list[Varbind]


class Malformed(ProtocolError):
    """Bytes that are no response; `request_id` is whose answer it was meant to be, when that much could be read."""

    def __init__(self, why: str, request_id: int | None = None) -> None:
        super().__init__(say("Відповідь SNMP незрозуміла: {why}.", "The SNMP answer is malformed: {why}.", why=why))
        self.request_id = request_id


def message_head(version: Version, community: bytes) -> bytes:
    """The part of a message that stays the same for a device: version and community."""
    return bytes((TAG_INTEGER, 1, version)) + _tlv(TAG_OCTETS, community)


def encode_request(head: bytes, pdu: Pdu, request_id: int, names: Iterable[bytes], max_repetitions: int = 0) -> bytes:
    """A request for the raw OIDs `names`, `head` being from `message_head`.

    `max_repetitions` counts in GET_BULK only; non-repeaters are always 0. `request_id` is positive, below 2^31.
    """
    numbers = b"\x02\x04%b\x02\x01\x00%b" % (request_id.to_bytes(4), _integer(max_repetitions))
    bindings = b"".join([_null_binding(name) for name in names])
    return _tlv(TAG_SEQUENCE, head + _tlv(pdu, numbers + _tlv(TAG_SEQUENCE, bindings)))


def decode_response(data: bytes) -> Response:
    """Decode one datagram.

    Raises:
        Malformed: (a ProtocolError) it is not a whole v1/v2c response.
    """
    request_id = None
    try:
        _, at, message_end = _open(data, 0, TAG_SEQUENCE)
        _, _, at = _open(data, at, TAG_INTEGER)  # version: whatever it says, the shape below decides
        _, _, at = _open(data, at, TAG_OCTETS)
        _, at, pdu_end = _open(data, at, PDU_RESPONSE)
        request_id, at = _number(data, at)
        if message_end > len(data) or pdu_end > message_end:
            raise Malformed("cut short", request_id)
        error_status, at = _number(data, at)
        error_index, at = _number(data, at)
        _, at, end = _open(data, at, TAG_SEQUENCE)
        if end > pdu_end:
            raise Malformed("bindings longer than their message", request_id)
        return Response(request_id, error_status, error_index, _varbinds(data, at, end))
    except IndexError:
        raise Malformed("cut short", request_id) from None
    except _WrongShape as error:
        raise Malformed(str(error), request_id) from None


class _WrongShape(Exception):
    pass


def _varbinds(data: bytes, at: int, end: int) -> list[Varbind]:
    # The hot loop. One equality proves all three lengths of a binding under 128 octets: name and value fill it exactly
    # (a long-form length inside would overshoot). Whatever does not pass is read again, slowly and with care.
    from_bytes = int.from_bytes
    unsigned = _UNSIGNED
    found: list[Varbind] = []
    add = found.append
    while at < end:
        size = data[at + 1]
        close = at + 2 + size
        value_at = at + 6 + data[at + 3]
        if size < 128 and value_at + data[value_at - 1] == close <= end and data[at + 2] == TAG_OID:
            name = data[at + 4 : value_at - 2]
            tag = data[value_at - 2]
            # Read without a sign on purpose: firmware that sends 4294967295 as FF FF FF FF means just that.
            if tag in unsigned and close - value_at <= _NUMBER_MAX_OCTETS:
                add((name, tag, from_bytes(data[value_at:close])))
            else:
                add(_other_value(name, tag, data[value_at:close]))
            at = close
        else:
            varbind, at = _unusual_varbind(data, at, end)
            add(varbind)
    return found


def _other_value(name: bytes, tag: int, content: bytes) -> Varbind:
    if tag in _EMPTY:
        return name, tag, None
    if tag == TAG_INTEGER or tag in _UNSIGNED:
        if len(content) > _NUMBER_MAX_OCTETS:
            return name, TAG_MALFORMED, None
        return name, tag, int.from_bytes(content, signed=tag == TAG_INTEGER)
    return name, tag, content


def _unusual_varbind(data: bytes, at: int, end: int) -> tuple[Varbind, int]:
    """Read a binding with long-form lengths, or find what is wrong with it; return it and where the next one begins."""
    _, at, close = _open(data, at, TAG_SEQUENCE)
    if close > end:
        raise _WrongShape("a binding longer than its list")
    try:
        _, name_at, name_end = _open(data, at, TAG_OID)
        tag, value_at, value_end = _open(data, name_end, None)
    except (_WrongShape, IndexError):
        return (b"", TAG_MALFORMED, None), close
    if value_end != close:
        return (b"", TAG_MALFORMED, None), close
    return _other_value(data[name_at:name_end], tag, data[value_at:value_end]), close


def _open(data: bytes, at: int, tag: int | None) -> tuple[int, int, int]:
    """Tag, start and end of the content of the element at `at`; the end may lie past the data."""
    found = data[at]
    if tag is not None and found != tag:
        raise _WrongShape(f"tag {found:#04x} where {tag:#04x} belongs")
    size = data[at + 1]
    start = at + 2
    if size > 127:
        octets = size & 127
        if not 1 <= octets <= 4:
            raise _WrongShape("a length that no datagram has")
        start += octets
        size = int.from_bytes(data[at + 2 : start])
    return found, start, start + size


def _number(data: bytes, at: int) -> tuple[int, int]:
    _, start, end = _open(data, at, TAG_INTEGER)
    if not 1 <= end - start <= _NUMBER_MAX_OCTETS or end > len(data):
        raise _WrongShape("a number too long or too short")
    return int.from_bytes(data[start:end], signed=True), end


def _null_binding(name: bytes) -> bytes:
    size = len(name)
    if size < 124:
        return b"\x30%c\x06%c%b\x05\x00" % (size + 4, size, name)
    return _tlv(TAG_SEQUENCE, _tlv(TAG_OID, name) + b"\x05\x00")


def _tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    return bytes((tag, 0x82)) + size.to_bytes(2) + content


def _integer(number: int) -> bytes:
    return _tlv(TAG_INTEGER, number.to_bytes(number.bit_length() // 8 + 1))
