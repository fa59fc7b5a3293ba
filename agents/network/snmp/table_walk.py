"""Owns the course of one table walk: what to ask next, what an answer means, when to stop. Sans-I/O.

All columns advance together, each with its own cursor, so sparse tables and truncated bulks need no special case. One
number, the budget of varbinds per answer, decides both columns and repetitions; devices that say `tooBig`, fall silent
or cut their datagrams get a smaller one. A column ends, with a reason, when an answer brings a row that it had before:
that finds a stuck and a cycling agent alike, and forgives one whose order is merely odd (RFC 3416 asks for growing
OIDs; agents that sort as text do not give them). Rows without end meet a bound.
"""

from collections.abc import Sequence

from agents.network.snmp.bulk_memory import SILENT_DIVISOR
from agents.network.snmp.codec import (
    TAG_END_OF_MIB_VIEW,
    TAG_NO_SUCH_INSTANCE,
    TAG_NO_SUCH_OBJECT,
    ErrorStatus,
    Head,
    Malformed,
    Response,
    Value,
    Varbind,
    read_rows,
)
from agents.network.snmp.oid import sub_ids
from agents.network.snmp.port import Walk
from beket.kernel.errors import BeketError, ProtocolError
from beket.kernel.text import say

ROWS_MAX = 20_000
_ENDS = frozenset({TAG_NO_SUCH_OBJECT, TAG_NO_SUCH_INSTANCE, TAG_END_OF_MIB_VIEW})
# A budget shrinks to a quarter when a device is silent or garbles, where trying costs time; by halves on `tooBig`.
_SILENCES_MAX = 2


class TableWalk:
    """A walk over `columns`; ask `request`, hand the answer to `receive`, until `request` gives None.

    Attributes:
        budget_varbinds: how many values are asked for at once now.
        is_refused: the device said that what it was asked for is too big.
        is_too_much: it was silent to a size, answered less, and was silent to that size again: no lost datagram.
    """

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
        self.is_refused = self.is_too_much = False
        self._silences = 0
        # Sizes that nothing came to, the smallest last: each is tried once more when less was answered.
        self._doubted: list[int] = []
        self._width_max = len(self._open)

    def request(self) -> tuple[list[bytes], int] | None:
        """Names to ask after and repetitions; None when the walk is over."""
        if not self._open:
            return None
        self._asked = self._open[: max(1, min(self.budget_varbinds, self._width_max))]
        repetitions = max(1, self.budget_varbinds // len(self._asked)) if self._bulk else 1
        return [self._cursors[column] for column in self._asked], repetitions

    def receive(self, response: Head | Response) -> None:
        """Take an answer to the last request.

        Raises:
            Malformed: its bindings are not whole; nothing of it was taken, the same may be asked again.
        """
        if response.error_status == ErrorStatus.TOO_BIG:
            self._shrink_after_too_big()
        elif response.error_status == ErrorStatus.NO_SUCH_NAME:
            self._end_of_view_in_v1(response.error_index)
        elif response.error_status:
            self._leave_out(refused(response.error_status), response.error_index)
        else:
            self._receive_rows(response)
            self._try_more()
        self._silences = 0

    def shrink_after_silence(self) -> bool:
        """Ask for much less next time; False when that was tried already or the budget is at its least."""
        if self._silences >= _SILENCES_MAX or self.budget_varbinds <= 1 or not self._bulk:
            return False
        self._silences += 1
        if self.budget_varbinds in self._doubted:
            self.is_too_much = True
            self._doubted.clear()
        elif not self.is_too_much:
            self._doubted.append(self.budget_varbinds)
        self.budget_varbinds = max(1, self.budget_varbinds // SILENT_DIVISOR)
        return True

    def stop(self, error: BeketError) -> None:
        """End the walk, keeping the rows. What ends it is the reason, whatever became of single columns before."""
        self._error = error
        self._open = []

    def result(self) -> Walk:
        """What has come so far."""
        return Walk(self._rows, self._error)

    def _receive_rows(self, response: Head | Response) -> None:
        asked = [(self._prefixes[column], self._rows[column]) for column in self._asked]
        before = [len(rows) for _, rows in asked]
        if isinstance(response, Head):
            try:
                taken, others = read_rows(response, asked)
            except Malformed:
                for (_, rows), size in zip(asked, before, strict=True):
                    while len(rows) > size:
                        rows.popitem()
                raise
        else:
            taken, others = 0, response.varbinds
        if not taken and not others:
            self.stop(ProtocolError(say("Порожня відповідь на обхід таблиці.", "An empty answer to a table walk.")))
            return
        width = len(asked)
        for place, column in enumerate(self._asked):
            plain = (taken - place + width - 1) // width
            if plain:
                self._cursors[column] = self._prefixes[column] + next(reversed(self._rows[column]))
            self._take(column, before[place], before[place] + plain, others[(place - taken) % width :: width])

    def _take(self, column: int, before: int, expected: int, varbinds: list[Varbind]) -> None:
        """Take one column's bindings: of its rows `before` are old and the rest up to `expected` should be new."""
        prefix, rows = self._prefixes[column], self._rows[column]
        skip = len(prefix)
        ended = is_behind = False
        for name, tag, value in varbinds:
            if not name.startswith(prefix) or (value is None and tag in _ENDS):
                if name:
                    ended = True
                    is_behind = not rows and tag not in _ENDS and _stands_before(name, prefix)
                    break
                continue  # a malformed binding: its row is lost, the column goes on
            rows[name[skip:]] = value
            expected += 1
            self._cursors[column] = name
        if len(rows) < expected:
            self._close(column, _repeating())
        elif ended:
            # An empty column must end with something that follows it, or else it is not known to be empty.
            self._close(column, _repeating() if is_behind else None)
        elif len(rows) > self._rows_max:
            self._close(column, _too_long(self._rows_max))
        elif expected == before and (varbinds or column == self._asked[0]):
            # A bulk truncated before this column is fine while the first one moves; anything else would go on for ever.
            self._close(column, _repeating())

    def _close(self, column: int, error: BeketError | None = None) -> None:
        self._error = self._error or error
        self._open.remove(column)

    def _try_more(self) -> None:
        while self._doubted and self._doubted[-1] <= self.budget_varbinds:
            self._doubted.pop()
        if self._doubted:
            self.budget_varbinds = self._doubted[-1]

    def _shrink_after_too_big(self) -> None:
        self.is_refused = True
        self._doubted.clear()
        asked = len(self._asked) * (max(1, self.budget_varbinds // len(self._asked)) if self._bulk else 1)
        if asked <= 1:
            self.stop(refused(ErrorStatus.TOO_BIG))
        self.budget_varbinds = max(1, asked // 2)

    def _leave_out(self, error: BeketError, error_index: int) -> None:
        # One broken column must not cost the others: the one that is named goes, or each is asked alone to find it.
        if 1 <= error_index <= len(self._asked):
            self._close(self._asked[error_index - 1], error)
        elif len(self._asked) > 1:
            self._width_max = 1
        else:
            self._close(self._asked[0], error)

    def _end_of_view_in_v1(self, error_index: int) -> None:
        # RFC 1157 §4.1.3: GETNEXT past the last object names the binding that has no next.
        if len(self._asked) == 1 and not self._bulk:
            error_index = 1  # whatever a careless agent says
        if not 1 <= error_index <= len(self._asked):
            self._leave_out(refused(ErrorStatus.NO_SUCH_NAME), 0)
            return
        self._close(self._asked[error_index - 1])


def _stands_before(name: bytes, prefix: bytes) -> bool:
    try:
        return sub_ids(name) < sub_ids(prefix)
    except ProtocolError:
        return True


def refused(status: int) -> ProtocolError:
    """The error for an error-status of a device (RFC 3416 §3)."""
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
