"""How far a copy is: what was read and what is stored are told apart."""

import asyncio
import contextlib
from collections.abc import Iterator

from backup.progress import Advance, Gauge
from backup.restic.events import Progress


def _told(sizes: Iterator[int | None], *, expected_bytes: int | None) -> list[Advance]:
    seen: list[Advance] = []

    async def ask() -> int | None:
        return next(sizes)

    class OneLook:
        looks = 0

        async def sleep(self, _: float) -> None:
            self.looks += 1
            if self.looks > 2:
                raise asyncio.CancelledError

    async def story() -> None:
        gauge = Gauge(seen.append, ask)
        await gauge.begin()
        if expected_bytes is not None:
            gauge.expect(expected_bytes)
        gauge.read(Progress(1.0, 3, 60))
        gauge.read_whole(60)
        with contextlib.suppress(asyncio.CancelledError):
            await gauge.follow(OneLook())  # type: ignore[arg-type] # a clock that ends the story

    asyncio.run(story())
    return seen


def test_first_copy_reads_ahead_of_what_is_stored() -> None:
    seen = _told(iter([1000, 1020, 1040]), expected_bytes=100)
    assert [(one.read_ratio, one.stored_ratio) for one in seen] == [(0.6, 0.0), (0.6, 0.2), (0.6, 0.4)]
    assert seen[-1].words().uk == "прочитано 60 %, у сховищі 40 %"


def test_copy_of_changes_tells_how_much_was_stored_since_nobody_knows_of_how_much() -> None:
    seen = _told(iter([1000, 1000, 2_501_000]), expected_bytes=None)
    assert [one.stored_bytes for one in seen] == [0, 0, 2_500_000]
    assert seen[-1].words().uk == "прочитано 100 %, у сховищі 2.5 МБ"


def test_prune_during_a_copy_and_a_silent_centre_make_no_nonsense() -> None:
    assert [one.stored_bytes for one in _told(iter([1000, 400, None]), expected_bytes=100)] == [0, 0, None]
    assert _told(iter([None]), expected_bytes=100)[-1].words().uk == "прочитано 60 %"
