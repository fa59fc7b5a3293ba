import contextlib
import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.uplink.connection import Body, Method, Reply
from agents.uplink.holds import HoldsWatch
from agents.uplink.messages import HeldTime
from beket.kernel.errors import BeketError, NoSpace, ProtocolError, Unreachable
from tests.hostile import damaged
from tests.unit.agents.uplink.test_messages import golden


class Centre:
    """Answers with what it is given, in turn, and remembers what was asked."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked: list[str] = []

    def request(
        self, method: Method, path: str, *, headers: Mapping[str, str] | None = None, body: Body = b""
    ) -> Reply:
        assert method == "GET"
        self.asked.append(path)
        return self.replies.pop(0)


NEW = Reply(200, {}, golden("held-times"))
BAD = Reply(200, {}, golden("held-times").replace(b"gate", b"../etc"))
SAME = Reply(304, {}, b"")


def test_what_the_centre_holds_is_kept_before_it_is_confirmed() -> None:
    kept: list[Sequence[HeldTime]] = []
    centre = Centre(NEW, SAME)
    watch = HoldsWatch(centre, kept.append)
    assert watch.run_once()
    assert [one.camera for one in kept[0]] == ["gate", "yard"]
    assert not watch.run_once()
    assert len(kept) == 1
    assert centre.asked == ["/agent/v1/holds?have=", "/agent/v1/holds?have=9f86d081884c7d659a2feaa0c55ad015"]


def test_what_could_not_be_made_durable_is_not_confirmed() -> None:
    def full(_times: Sequence[HeldTime]) -> None:
        raise NoSpace("the disk is full")

    centre = Centre(NEW, SAME)
    watch = HoldsWatch(centre, full)
    with pytest.raises(NoSpace):
        watch.run_once()
    watch.run_once()
    assert centre.asked[-1].endswith("?have=")


@pytest.mark.parametrize("status", [200, 304])
def test_the_time_that_the_centre_has_proved_is_heard_with_each_answer(status: int) -> None:
    heard: list[int] = []
    centre = Centre(Reply(status, {"beket-time": "1795600800123"}, golden("held-times")))
    HoldsWatch(centre, lambda _: None, hear_time=heard.append).run_once()
    assert heard == [1_795_600_800_123_000_000]


@pytest.mark.parametrize("said", ["", "-5", "1e9", "9" * 16, "\N{ARABIC-INDIC DIGIT ONE}", "now"])
def test_what_is_no_time_is_not_heard(said: str) -> None:
    heard: list[int] = []
    HoldsWatch(Centre(Reply(304, {"beket-time": said}, b"")), lambda _: None, hear_time=heard.append).run_once()
    assert heard == []


def test_a_centre_that_fails_changes_nothing() -> None:
    kept: list[Sequence[HeldTime]] = []
    for reply, error in (
        (Reply(500, {}, b""), Unreachable),
        (Reply(200, {}, b"{}"), ProtocolError),
        (BAD, ProtocolError),
    ):
        with pytest.raises(error):
            HoldsWatch(Centre(reply), kept.append).run_once()
    assert kept == []


@given(st.integers(0, 2**32))
def test_no_bytes_from_a_centre_raise_anything_but_ours(seed: int) -> None:
    body = damaged(random.Random(seed), [golden("held-times")])
    with contextlib.suppress(BeketError):
        HoldsWatch(Centre(Reply(200, {}, body)), lambda _: None).run_once()
