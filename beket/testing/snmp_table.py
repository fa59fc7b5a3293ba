"""Owns a table for a real Net-SNMP agent: any number of rows of usual interface columns, with known values.

The agent answers for it from `override` lines, so its own code reads the requests and writes the answers.
"""

from collections.abc import Iterator

ENTRY = "1.3.6.1.4.1.32473.1.1"  # IANA's enterprise number for examples
# Net-SNMP's words for types, in the manner of ifTable: a name, a type, a speed, then counters.
COLUMN_TYPES = ("octet_str", "integer", "uinteger", "counter", "counter", "counter", "counter", "counter")


def columns() -> list[str]:
    """The table's columns, dotted."""
    return [f"{ENTRY}.{column}" for column in range(1, len(COLUMN_TYPES) + 1)]


def expected(column: int, row: int) -> int | bytes:
    """What the agent says in `column` (from 0) of `row` (from 1)."""
    if COLUMN_TYPES[column] == "octet_str":
        return f"GigabitEthernet0/{row}".encode()
    return 1 + row if COLUMN_TYPES[column] == "integer" else (row * 2_654_435 + column * 977) % 2**32


def config(rows: int) -> str:
    """Lines for `snmpd.conf` that make the agent serve `rows` rows."""
    return "\n".join(_lines(rows))


def _lines(rows: int) -> Iterator[str]:
    for column, kind in enumerate(COLUMN_TYPES):
        for row in range(1, rows + 1):
            value = expected(column, row)
            yield f"override {ENTRY}.{column + 1}.{row} {kind} {value.decode() if isinstance(value, bytes) else value}"
