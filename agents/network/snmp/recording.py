"""Owns what a recorded device answers: a `.snmprec` file (snmpsim's form) read, written, and asked through `SnmpPort`.

One line is `OID|tag|value`: the tag is BER's number in decimal, with `x` when the value is in hex. Values that vary by
a rule (`66:numeric|...`) have no value here and are left out. Files come from other people: bounded, line by line.
"""

import bz2
from collections.abc import Iterable, Sequence
from pathlib import Path

from agents.network.snmp.codec import Value, Varbind
from agents.network.snmp.oid import format_oid, parse_oid
from agents.network.snmp.port import Scalars, Target, Walk
from beket.kernel.errors import BeketError, InvalidArgument, NotFound, ProtocolError
from beket.kernel.text import say

FILE_MAX_BYTES = 128 * 1024 * 1024
_INTEGERS = {2: 0x02, 65: 0x41, 66: 0x42, 67: 0x43, 70: 0x46, 71: 0x47}
_OCTETS, _NULL, _OID, _ADDRESS, _OPAQUE = 4, 5, 6, 64, 68


class Recording:
    """A device as it was once; a `port.SnmpPort` that asks nobody."""

    def __init__(self, rows: Iterable[Varbind]) -> None:
        self.rows = list(rows)
        self._values = {name: value for name, _, value in self.rows}

    async def get(self, target: Target, names: Sequence[bytes]) -> Scalars:
        """See `SnmpPort.get`."""
        return Scalars({name: value for name in names if (value := self._values.get(name)) is not None})

    async def walk(self, target: Target, columns: Sequence[bytes]) -> Walk:
        """See `SnmpPort.walk`."""
        found: list[dict[bytes, Value]] = [{} for _ in columns]
        for place, prefix in enumerate(columns):
            size = len(prefix)
            found[place] = {
                name[size:]: value for name, value in self._values.items() if len(name) > size and name[:size] == prefix
            }
        return Walk(found)


def load_recording(path: Path) -> Recording:
    """Read a `.snmprec` file, or one packed as `.snmprec.bz2`. Blocking.

    Raises:
        NotFound: there is no such file, or it cannot be read.
        InvalidArgument: it is no recording, with the number of the line; or it is too big.
    """
    try:
        with bz2.open(path) if path.suffix == ".bz2" else path.open("rb") as file:
            data = file.read(FILE_MAX_BYTES + 1)
    except (OSError, EOFError) as error:
        raise NotFound(
            say("Файл запису не читається: {path}.", "The recording cannot be read: {path}.", path=path)
        ) from error
    if len(data) > FILE_MAX_BYTES:
        raise InvalidArgument(say("Запис завеликий: {path}.", "The recording is too big: {path}.", path=path))
    rows = []
    for number, line in enumerate(data.splitlines(), start=1):
        if not line.strip() or line.startswith(b"#"):
            continue
        try:
            row = _row(line.decode("latin-1"))
        except (BeketError, ValueError) as error:
            raise InvalidArgument(
                say(
                    "Це не запис SNMP: {path}, рядок {n}.",
                    "This is no SNMP recording: {path}, line {n}.",
                    path=path,
                    n=number,
                )
            ) from error
        if row is not None:
            rows.append(row)
    return Recording(rows)


def spell(row: Varbind) -> str:
    """One line of a `.snmprec` file, without its end.

    Raises:
        ProtocolError: a name that is no OID, or a type that the form does not know.
    """
    name, tag, value = row
    if isinstance(value, int) and tag in _INTEGERS.values():
        number = next(number for number, ber in _INTEGERS.items() if ber == tag)
        return f"{format_oid(name)}|{number}|{value}"
    if isinstance(value, bytes) and tag == _OID:
        return f"{format_oid(name)}|{_OID}|{format_oid(value)}"
    if isinstance(value, bytes) and tag in (_OCTETS, _ADDRESS, _OPAQUE):
        text = value.decode("ascii", errors="replace")
        is_plain = tag == _OCTETS and text.isprintable() and "�" not in text and "|" not in text
        return f"{format_oid(name)}|{tag}|{text}" if is_plain else f"{format_oid(name)}|{tag}x|{value.hex()}"
    raise ProtocolError(say("Такого типу у записі не буває.", "A recording has no such type."))


def _row(line: str) -> Varbind | None:
    oid, kind, text = line.split("|", 2)
    if ":" in kind:
        return None
    name, is_hex = parse_oid(oid), kind.endswith("x")
    tag = int(kind.rstrip("x"))
    if tag in _INTEGERS:
        return name, _INTEGERS[tag], int(text)
    if tag == _OID:
        return name, tag, parse_oid(text) if text else b"\x00"
    if tag == _NULL:
        return name, tag, None
    if tag == _ADDRESS and not is_hex and text.count(".") == 3:
        return name, tag, bytes(int(part) for part in text.split("."))
    if tag in (_OCTETS, _ADDRESS, _OPAQUE):
        return name, tag, bytes.fromhex(text) if is_hex else text.encode("latin-1")
    raise ValueError(kind)
