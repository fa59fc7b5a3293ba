"""What people are told of configurations: one sentence a device, changes with what began near them."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pytest

from backup.configs.store import ConfigStore, Copy, Look, LookOutcome
from backup.configs.view import CASE_AFTER_HOURS, NS_PER_HOUR, Case, changes_of, view_of, views_of
from beket.kernel.text import say
from tests.unit.backup.configs.test_store import SITE, copy_of

NOW_NS = 1_800_000_000_000_000_000
HOUR = NS_PER_HOUR


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ConfigStore]:
    store = ConfigStore(tmp_path / "configs.db", kept=9)
    yield store
    store.close()


def look(outcome: LookOutcome, *, looked_h: float = 0, good_h: float | None = 0) -> Look:
    return Look(
        site=SITE,
        device="router",
        family="mikrotik",
        looked_ns=NOW_NS - round(looked_h * HOUR),
        good_ns=None if good_h is None else NOW_NS - round(good_h * HOUR),
        outcome=outcome,
        reason=say("Пристрій не відповів.", "No answer."),
    )


@pytest.mark.parametrize(
    ("seen", "is_well", "words"),
    [
        (look(LookOutcome.UNCHANGED), True, "змін не було"),
        (look(LookOutcome.FIRST), True, "Копія є"),
        (look(LookOutcome.UNCHANGED, looked_h=80, good_h=80), True, "Востаннє прочитано"),
        (look(LookOutcome.AWAY, good_h=5), True, "Пристрій не відповів."),
        (look(LookOutcome.AWAY, good_h=80), False, "Остання копія"),
        (look(LookOutcome.REFUSED, good_h=5), False, "Остання копія"),
        (look(LookOutcome.NOT_WHOLE, good_h=None), True, "Копії ще немає"),
        (look(LookOutcome.NOT_WHOLE, looked_h=2, good_h=None), False, "Копії ще немає"),
    ],
)
def test_each_device_has_one_sentence(seen: Look, is_well: bool, words: str) -> None:
    view = view_of(seen, None, wall_ns=NOW_NS)
    assert view.is_well is is_well
    assert words in view.sentence.uk
    assert view.sentence.en


def test_a_change_is_told_and_first_copies_are_none(store: ConfigStore) -> None:
    store.keep_copy(copy_of(1), look(LookOutcome.FIRST))
    assert views_of(store, wall_ns=NOW_NS)[0].changed is None
    store.keep_copy(copy_of(2), look(LookOutcome.CHANGED))
    (view,) = views_of(store, wall_ns=NOW_NS)
    assert view.changed is not None
    assert "Змінено не пізніше" in view.sentence.uk


def test_a_change_stands_beside_what_began_near_it(store: ConfigStore) -> None:
    asked: list[tuple[Collection[str], int, int]] = []
    case = Case(say("Немає зв'язку", "No connection"), 2)

    def find(subjects: Collection[str], from_ns: int, until_ns: int) -> Sequence[Case]:
        asked.append((subjects, from_ns, until_ns))
        return [case]

    store.keep_copy(copy_of(1))
    store.keep_copy(copy_of(2))
    newest, first = changes_of(store, SITE, "router", find)
    assert newest.cases == [case]
    assert [(line.kind, line.text) for line in newest.lines if line.kind in ("added", "removed")] == [
        ("removed", "line 1"),
        ("added", "line 2"),
    ]
    assert asked == [(("router", SITE), 1, 2 + CASE_AFTER_HOURS * HOUR)]
    assert first.lines == []
    assert first.cases == ()
    kept: Copy = first.copy
    assert kept.since_ns is None
