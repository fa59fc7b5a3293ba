"""Owns the course of one table walk: what to ask next, what an answer means, when to stop. Sans-I/O.

All columns advance together, each with its own cursor, so sparse tables and truncated bulks need no special case. One
number, the budget of varbinds per answer, decides both columns and repetitions; devices that say `tooBig`, fall silent
or cut their datagrams get a smaller one. A column ends, with a reason, when an answer brings a row that it had before:
that finds a stuck and a cycling agent alike, and forgives one whose order is merely odd (RFC 3416 asks for growing
OIDs; agents that sort as text do not give them). Rows without end meet a bound.
"""

from collections.abc import Sequence

from agents.network.snmp.codec import (
    TAG_END_OF_MIB_VIEW,
    TAG_NO_SUCH_INSTANCE,
    TAG_NO_SUCH_OBJECT,
    ErrorStatus,
    Response,
    Value,
    Varbind,
)
from agents.network.snmp.port import Walk
from beket.kernel.errors import BeketError, ProtocolError
from beket.kernel.text import say

ROWS_MAX = 20_000
_ENDS = frozenset({TAG_NO_SUCH_OBJECT, TAG_NO_SUCH_INSTANCE, TAG_END_OF_MIB_VIEW})
# A budget shrinks by this when a device is silent or garbles, where trying costs time; by halves on `tooBig`.
_SILENT_DIVISOR = 4
_SILENT_SHRINKS_MAX = 2


class TableWalk:
    """A walk over `columns`; ask `request`, hand the answer to `receive`, until `request` gives None."""

    def __init__(self, columns: Sequence[bytes], *, budget_varbinds: int, bulk: bool, rows_max: int = ROWS_MAX) -> None:
        self.budget_varbinds = budget_varbinds
        self._bulk = bulk
        self._rows_max = rows_max
        self._prefixes = list(columns)
        self._cursors = list(columns)
        self._rows: list[dict[bytes, Value]] = [{} for _ in columns]
        self._open = list(range(len(columns)))
        self._asked: list[int] = []
        self._error: BeketError | None = None
        self._silent_shrinks = 0

    def request(self) -> tuple[list[bytes], int] | None:
        """Names to ask after and repetitions; None when the walk is over."""
        if not self._open:
            return None
        self._asked = self._open[: max(1, self.budget_varbinds)]
        repetitions = max(1, self.budget_varbinds // len(self._asked)) if self._bulk else 1
        return [self._cursors[column] for column in self._asked], repetitions

    def receive(self, response: Response) -> None:
        """Take an answer to the last request."""
        if response.error_status == ErrorStatus.TOO_BIG:
            self._shrink_after_too_big()
        elif response.error_status == ErrorStatus.NO_SUCH_NAME:
            self._end_of_view_in_v1(response.error_index)
        elif response.error_status:
            self.stop(_refused(response.error_status))
        elif not response.varbinds:
            self.stop(ProtocolError(say("Порожня відповідь на обхід таблиці.", "An empty answer to a table walk.")))
        else:
            width = len(self._asked)
            for place, column in enumerate(self._asked):
                self._take(column, response.varbinds[place::width])

    def shrink_after_silence(self) -> bool:
        """Ask for much less next time; False when that was tried already or the budget is at its least."""
        if self._silent_shrinks >= _SILENT_SHRINKS_MAX or self.budget_varbinds <= 1 or not self._bulk:
            return False
        self._silent_shrinks += 1
        self.budget_varbinds = max(1, self.budget_varbinds // _SILENT_DIVISOR)
        return True

    def stop(self, error: BeketError) -> None:
        """End the walk, keeping the rows; the first reason stays."""
        self._error = self._error or error
        self._open = []

    def result(self) -> Walk:
        """What has come so far."""
        return Walk(self._rows, self._error)

    def _take(self, column: int, varbinds: list[Varbind]) -> None:
        prefix, rows = self._prefixes[column], self._rows[column]
        skip = len(prefix)
        before = expected = len(rows)
        ended = False
        for name, tag, value in varbinds:
            if not name.startswith(prefix) or (value is None and tag in _ENDS):
                if name:
                    ended = True
                    break
                continue  # a malformed binding: its row is lost, the column goes on
            rows[name[skip:]] = value
            expected += 1
            self._cursors[column] = name
        if len(rows) < expected:
            self._close(column, _repeating())
        elif ended:
            self._close(column)
        elif len(rows) > self._rows_max:
            self._close(column, _too_long(self._rows_max))
        elif expected == before and (varbinds or column == self._asked[0]):
            # A bulk truncated before this column is fine while the first one moves; anything else would go on for ever.
            self._close(column, _repeating())

    def _close(self, column: int, error: BeketError | None = None) -> None:
        self._error = self._error or error
        self._open.remove(column)

    def _shrink_after_too_big(self) -> None:
        asked = len(self._asked) * (max(1, self.budget_varbinds // len(self._asked)) if self._bulk else 1)
        if asked <= 1:
            self.stop(_refused(ErrorStatus.TOO_BIG))
        self.budget_varbinds = max(1, asked // 2)

    def _end_of_view_in_v1(self, error_index: int) -> None:
        # RFC 1157 §4.1.3: GETNEXT past the last object names the binding that has no next.
        if not 1 <= error_index <= len(self._asked):
            self.stop(_refused(ErrorStatus.NO_SUCH_NAME))
            return
        self._close(self._asked[error_index - 1])


def _refused(status: int) -> ProtocolError:
    return ProtocolError(
        say("Пристрій відмовив: помилка SNMP {status}.", "The device refused: SNMP error {status}.", status=int(status))
    )


def _repeating() -> ProtocolError:
    return ProtocolError(
        say(
            "Пристрій повторює ті самі рядки таблиці; читання зупинено.",
            "The device repeats rows of its table; the walk was stopped.",
        )
    )


def _too_long(rows_max: int) -> ProtocolError:
    return ProtocolError(
        say(
            "Таблиця довша за {rows} рядків; читання зупинено.",
            "The table is longer than {rows} rows; the walk was stopped.",
            rows=rows_max,
        )
    )
