"""What is kept of gear: differing copies within a bound, looks, what the centre still lacks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backup.configs.store import ConfigStore, Copy, Look, LookOutcome
from beket.kernel.text import Text

SITE, ROUTER = "council", "router"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ConfigStore]:
    store = ConfigStore(tmp_path / "configs.db", kept=3)
    yield store
    store.close()


def copy_of(number: int, *, device: str = ROUTER) -> Copy:
    return Copy(
        id=f"{device}-{number}",
        site=SITE,
        device=device,
        taken_ns=number,
        since_ns=number - 1 if number > 1 else None,
        sealed_ns=number,
        family="mikrotik",
        version="7.16",
        who="petrenko",
        masked=f"line one\nline {number}\n",
        sealed=b"sealed",
    )


def look_of(outcome: LookOutcome = LookOutcome.CHANGED, *, at_ns: int = 5) -> Look:
    return Look(
        site=SITE,
        device=ROUTER,
        family="mikrotik",
        looked_ns=at_ns,
        good_ns=at_ns,
        outcome=outcome,
        reason=Text("{uk}", "{en}", {"uk": "Змінилося.", "en": "Changed."}),
        is_weak=True,
    )


def test_a_copy_is_kept_once_with_what_it_changes(store: ConfigStore) -> None:
    assert store.keep_copy(copy_of(1), look_of())
    assert store.keep_copy(copy_of(2))
    assert not store.keep_copy(copy_of(2))
    first, second = store.history(SITE, ROUTER)[::-1]
    assert (first.added, first.removed) == (2, 0)
    assert (second.added, second.removed) == (1, 1)
    assert store.newest(SITE, ROUTER) == second
    assert store.before(second) == first
    assert store.before(first) is None
    assert store.copy("router-2") == second
    assert store.copy("absent") is None
    assert store.look(SITE, ROUTER) == look_of()


def test_a_late_copy_takes_its_place_in_time(store: ConfigStore) -> None:
    store.keep_copy(copy_of(1))
    store.keep_copy(copy_of(3))
    store.keep_copy(copy_of(2))
    assert [copy.taken_ns for copy in store.history(SITE, ROUTER)] == [3, 2, 1]


def test_the_oldest_go_but_not_before_the_centre_has_them(store: ConfigStore) -> None:
    for number in range(1, 6):
        store.keep_copy(copy_of(number))
    store.keep_copy(copy_of(1, device="switch"))
    assert len(store.history(SITE, ROUTER)) == 5
    for copy in store.unsent(10):
        store.mark_sent(copy.id)
    assert store.unsent(10) == []
    store.keep_copy(copy_of(6), sent=True)
    assert [copy.taken_ns for copy in store.history(SITE, ROUTER)] == [6, 5, 4]
    assert len(store.history(SITE, "switch")) == 1


def test_even_unsent_copies_are_bounded(store: ConfigStore) -> None:
    for number in range(1, 20):
        store.keep_copy(copy_of(number))
    assert len(store.history(SITE, ROUTER)) == 6
    assert store.unsent(2)[0].taken_ns == 14


def test_changes_since_leave_first_copies_out(store: ConfigStore) -> None:
    store.keep_copy(copy_of(1))
    store.keep_copy(copy_of(2))
    assert [copy.id for copy in store.since(0)] == ["router-2"]
    assert store.since(3) == []


def test_the_last_look_replaces_the_one_before(store: ConfigStore) -> None:
    store.keep_look(look_of())
    store.keep_look(look_of(LookOutcome.AWAY, at_ns=9))
    assert store.looks() == [look_of(LookOutcome.AWAY, at_ns=9)]
    assert store.look(SITE, "switch") is None
