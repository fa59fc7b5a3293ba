"""Owns which number stands for which series: a name with its labels. Calls are serialised by the store."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import sqlalchemy as sa

from beket.kernel.metrics import Labels, Point
from collector.store.tables import SERIES

SeriesKey = tuple[str, Labels]


class SeriesBook:
    """Every series that has samples here, in memory."""

    def __init__(self) -> None:
        self._ids: dict[SeriesKey, int] = {}
        self._keys: dict[int, SeriesKey] = {}
        self._by_name: dict[str, list[int]] = defaultdict(list)

    def load(self, connection: sa.Connection) -> None:
        """Read the table."""
        for id_, name, spelled in connection.execute(sa.select(SERIES.c.id, SERIES.c.name, SERIES.c.labels)):
            self.learn({(name, msgspec.json.decode(spelled, type=Labels)): id_})

    def number(self, connection: sa.Connection, points: Sequence[Point]) -> tuple[list[int], dict[SeriesKey, int]]:
        """The series of each point, and those written just now: `learn` them once the transaction holds."""
        fresh: dict[SeriesKey, int] = {}
        ids = []
        for point in points:
            key = (point.name, point.labels)
            id_ = self._ids.get(key) or fresh.get(key)
            if id_ is None:
                row = sa.insert(SERIES).values(name=point.name, labels=msgspec.json.encode(point.labels).decode())
                id_ = fresh[key] = connection.execute(row.returning(SERIES.c.id)).scalar_one()
            ids.append(id_)
        return ids, fresh

    def learn(self, fresh: Mapping[SeriesKey, int]) -> None:
        """Remember series that the table holds."""
        for key, id_ in fresh.items():
            self._ids[key] = id_
            self._keys[id_] = key
            self._by_name[key[0]].append(id_)

    def key(self, id_: int) -> SeriesKey:
        """Name and labels of a series."""
        return self._keys[id_]

    def find(self, name: str, labels: Mapping[str, str]) -> list[int]:
        """Series called `name` that carry all of `labels`."""
        return [id_ for id_ in self._by_name.get(name, ()) if labels.items() <= dict(self._keys[id_][1]).items()]

    def __len__(self) -> int:
        return len(self._keys)

    def forget(self, ids: Iterable[int]) -> None:
        """Let go of series that the table holds no longer."""
        for id_ in ids:
            key = self._keys.pop(id_, None)
            if key is not None:
                self._ids.pop(key)
                self._by_name[key[0]].remove(id_)
