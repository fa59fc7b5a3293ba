"""Owns the bytes of SNMP questions and answers, and of the v1 and v2c messages around them. Sans-I/O, any thread.

The decoder is one pass over the datagram, specialised for the one shape a response has; OIDs stay raw BER bytes and no
ASN.1 objects are made. It is tolerant where agents are known to be wrong and the meaning is plain (unsigned values sent
as negative, unknown tags, long-form lengths, trailing bytes) and keeps every varbind's place, so that one bad value
costs one cell. Everything else raises `ProtocolError`, in time linear to the datagram.
Note: agents/design/0015-snmp-hot-path.md. Source: RFC 1157, RFC 3416, X.690 §8.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple

from agents.network.snmp.ber import (
    NUMBER_MAX_OCTETS,
    TAG_INTEGER,
    TAG_NULL,
    TAG_OCTETS,
    TAG_OID,
    TAG_SEQUENCE,
    WrongShape,
    integer,
    open_element,
    read_number,
    tlv,
)
from beket.kernel.errors import ProtocolError
from beket.kernel.text import say

Value = int | bytes | None
# One variable binding: raw OID, BER tag, value. Numbers are int, text and OIDs bytes, absent None.
Varbind = tuple[bytes, int, Value]

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
PDU_REPORT = 0xA8

_UNSIGNED = frozenset({TAG_COUNTER32, TAG_GAUGE32, TAG_TIMETICKS, TAG_COUNTER64, TAG_UINTEGER32})
_EMPTY = frozenset({TAG_NULL, TAG_NO_SUCH_OBJECT, TAG_NO_SUCH_INSTANCE, TAG_END_OF_MIB_VIEW})


class Pdu(IntEnum):
    """Requests that we send, by tag."""

    GET = 0xA0
    GET_NEXT = 0xA1
    GET_BULK = 0xA5


class Version(IntEnum):
    """Message version as it stands on the wire."""

    V1 = 0
    V2C = 1
    V3 = 3


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


class Head(NamedTuple):
    """What stands before the bindings of an answer, and where these lie in its bytes (`start` to `end`)."""

    data: bytes
    request_id: int
    error_status: int
    error_index: int
    start: int
    end: int

    def varbinds(self) -> list[Varbind]:
        """The bindings, decoded.

        Raises:
            Malformed: they are cut short or no bindings.
        """
        with _Blaming(self.request_id):
            return _varbinds(self.data, self.start, self.end)


# A column as `read_rows` fills it: raw OID before the index, rows by index.
Column = tuple[bytes, dict[bytes, Value]]


class Malformed(ProtocolError):
    """Bytes that are no response; `request_id` is whose answer it was meant to be, when that much could be read."""

    def __init__(self, why: str, request_id: int | None = None) -> None:
        super().__init__(say("Відповідь SNMP незрозуміла: {why}.", "The SNMP answer is malformed: {why}.", why=why))
        self.request_id = request_id


def message_head(version: Version, community: bytes) -> bytes:
    """The part of a message that stays the same for a device: version and community."""
    return bytes((TAG_INTEGER, 1, version)) + tlv(TAG_OCTETS, community)


def encode_request(head: bytes, pdu: Pdu, request_id: int, names: Iterable[bytes], max_repetitions: int = 0) -> bytes:
    """A v1 or v2c message that asks for the raw OIDs `names`, `head` being from `message_head`; see `encode_pdu`."""
    return tlv(TAG_SEQUENCE, head + encode_pdu(pdu, request_id, names, max_repetitions))


def encode_pdu(pdu: Pdu, request_id: int, names: Iterable[bytes], max_repetitions: int = 0) -> bytes:
    """A question for the raw OIDs `names`, without its message.

    `max_repetitions` counts in GET_BULK only; non-repeaters are always 0. `request_id` is positive, below 2^31.
    """
    numbers = b"\x02\x04%b\x02\x01\x00%b" % (request_id.to_bytes(4), integer(max_repetitions))
    bindings = b"".join([_null_binding(name) for name in names])
    return tlv(pdu, numbers + tlv(TAG_SEQUENCE, bindings))


def decode_response(data: bytes) -> Response:
    """Decode one datagram.

    Raises:
        Malformed: (a ProtocolError) it is not a whole v1/v2c response.
    """
    head = read_head(data)
    return Response(head.request_id, head.error_status, head.error_index, head.varbinds())


def read_head(data: bytes) -> Head:
    """Read one v1/v2c datagram up to its bindings.

    Raises:
        Malformed: (a ProtocolError) it is not a whole response.
    """
    try:
        _, at, message_end = open_element(data, 0, TAG_SEQUENCE)
        _, _, at = open_element(data, at, TAG_INTEGER)  # version: whatever it says, the shape below decides
        _, _, at = open_element(data, at, TAG_OCTETS)
    except IndexError:
        raise Malformed("cut short") from None
    except WrongShape as error:
        raise Malformed(str(error)) from None
    return read_pdu(data, at, message_end)


def read_pdu(data: bytes, at: int, message_end: int, tag: int = PDU_RESPONSE) -> Head:
    """Read the PDU that begins at `at` in a message that should end at `message_end`.

    Raises:
        Malformed: it is no whole PDU of this tag.
    """
    request_id = None
    try:
        _, at, pdu_end = open_element(data, at, tag)
        request_id, at = read_number(data, at)
        if message_end > len(data) or pdu_end > message_end:
            raise Malformed("cut short", request_id)
        error_status, at = read_number(data, at)
        error_index, at = read_number(data, at)
        _, at, end = open_element(data, at, TAG_SEQUENCE)
    except IndexError:
        raise Malformed("cut short", request_id) from None
    except WrongShape as error:
        raise Malformed(str(error), request_id) from None
    if end > pdu_end:
        raise Malformed("bindings longer than their message", request_id)
    return Head(data, request_id, error_status, error_index, at, end)


def read_rows(head: Head, columns: Sequence[Column]) -> tuple[int, list[Varbind]]:
    """Put the bindings of a bulk answer, which belong to `columns` in turn, straight into these columns' rows.

    Stops at the first binding that is not a plain value of its column: returns how many were taken, and the bindings
    from there on, decoded. Much cheaper than `varbinds` followed by sorting them into rows.

    Raises:
        Malformed: the bindings are cut short or no bindings; rows before that place were taken.
    """
    with _Blaming(head.request_id):
        return _rows(head, columns)


class _Blaming:
    """Turns what reading bindings stumbles over into `Malformed` of that request."""

    def __init__(self, request_id: int) -> None:
        self._request_id = request_id

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, IndexError):
            raise Malformed("cut short", self._request_id) from None
        if isinstance(error, WrongShape):
            raise Malformed(str(error), self._request_id) from None


def _rows(head: Head, columns: Sequence[Column]) -> tuple[int, list[Varbind]]:
    # The hot loop of a walk. A row has one index, so one comparison proves tag, length and name of each binding, one
    # equality the lengths around them, and the rows of all columns share one key.
    data, at, end = head.data, head.start, head.end
    from_bytes, starts_with, unsigned = int.from_bytes, data.startswith, _UNSIGNED
    first_index_at = 4 + len(columns[0][0])
    beginnings: list[tuple[bytes, dict[bytes, Value]]] = []
    index_size = -1
    taken = 0
    while at < end:
        index = data[at + first_index_at : at + 4 + data[at + 3]]
        if len(index) != index_size:
            index_size = len(index)
            beginnings = [
                (bytes((TAG_OID, (len(prefix) + index_size) & 0xFF)) + prefix, rows) for prefix, rows in columns
            ]
        for beginning, rows in beginnings:
            name = beginning + index
            close = at + 2 + data[at + 1]
            value_at = at + 4 + len(name)
            if not starts_with(name, at + 2) or value_at + data[value_at - 1] != close or close > end or not index:
                return taken, _varbinds(data, at, end)
            tag = data[value_at - 2]
            if tag in unsigned and close - value_at <= NUMBER_MAX_OCTETS:
                rows[index] = from_bytes(data[value_at:close])
            elif tag == TAG_OCTETS:
                rows[index] = data[value_at:close]
            elif tag == TAG_INTEGER and close - value_at <= NUMBER_MAX_OCTETS:
                rows[index] = from_bytes(data[value_at:close], signed=True)
            else:
                return taken, _varbinds(data, at, end)
            taken += 1
            at = close
            if at >= end:
                break
    return taken, []


def _varbinds(data: bytes, at: int, end: int) -> list[Varbind]:
    # The hot loop. One equality proves all three lengths of a binding under 128 octets: name and value fill it exactly
    # (a long-form length inside would overshoot). Whatever does not pass is read again, slowly and with care.
    from_bytes = int.from_bytes
    unsigned = _UNSIGNED
    found: list[Varbind] = []
    add = found.append
    while at < end:
        try:
            size = data[at + 1]
            close = at + 2 + size
            value_at = at + 6 + data[at + 3]
            plain = size < 128 and value_at + data[value_at - 1] == close <= end and data[at + 2] == TAG_OID
        except IndexError:  # a length inside the last binding points past the datagram
            plain = False
        if plain:
            name = data[at + 4 : value_at - 2]
            tag = data[value_at - 2]
            # Read without a sign on purpose: firmware that sends 4294967295 as FF FF FF FF means just that.
            if tag in unsigned and close - value_at <= NUMBER_MAX_OCTETS:
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
        if len(content) > NUMBER_MAX_OCTETS:
            return name, TAG_MALFORMED, None
        return name, tag, int.from_bytes(content, signed=tag == TAG_INTEGER)
    return name, tag, content


def _unusual_varbind(data: bytes, at: int, end: int) -> tuple[Varbind, int]:
    """Read a binding with long-form lengths, or find what is wrong with it; return it and where the next one begins."""
    _, at, close = open_element(data, at, TAG_SEQUENCE)
    if close > end:
        raise WrongShape("a binding longer than its list")
    try:
        _, name_at, name_end = open_element(data, at, TAG_OID)
        tag, value_at, value_end = open_element(data, name_end, None)
    except (WrongShape, IndexError):
        return (b"", TAG_MALFORMED, None), close
    if value_end != close:
        return (b"", TAG_MALFORMED, None), close
    return _other_value(data[name_at:name_end], tag, data[value_at:value_end]), close


def _null_binding(name: bytes) -> bytes:
    size = len(name)
    if size < 124:
        return b"\x30%c\x06%c%b\x05\x00" % (size + 4, size, name)
    return tlv(TAG_SEQUENCE, tlv(TAG_OID, name) + b"\x05\x00")
