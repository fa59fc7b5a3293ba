"""The outbox and the courier over a real facts.db, a simulated clock and a gate written for the test."""

import contextlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.database import Database
from beket.kernel.errors import BeketError, Unreachable
from beket.kernel.ids import SiteId
from beket.kernel.metrics import Instruments
from collector.inventory.tables import FACTS_MIGRATIONS
from collector.notify.courier import Courier
from collector.notify.outbox import Outbox
from collector.notify.smtp import LetterPostponed, LetterRefused
from collector.rules.condition import Said, Words
from collector.rules.standing import Moment, Standing, State
from collector.rules.store import AlertStore, Known, Move, Reason

LEASE_S = 60
SAID = Said("так", "so")
WORDS = Words(SAID, SAID, SAID, SAID, SAID, SAID)


class Post:
    """Facts, an outbox, a courier, and a server that answers as told; `taken` holds (recipient, Message-ID)."""

    def __init__(self, folder: Path, recipients: tuple[str, ...] = ("it@dolyna.ua",)) -> None:
        self.clock = SimulatedClock()
        self.boot = "boot"
        self.database = Database(folder / "facts.db", migrations=FACTS_MIGRATIONS)
        self.alerts = AlertStore(self.database)
        self.outbox = Outbox(self.database, recipients=recipients, community="Долина", domain="dolyna.ua")
        self.instruments = Instruments()
        self.error: BeketError | None = None
        self.taken: list[tuple[str, str, bytes]] = []

    def send(self, message: bytes, *, sender: str, recipient: str) -> None:
        if self.error:
            raise self.error
        message_id = message.split(b"\r\n", 1)[0].decode()
        self.taken.append((recipient, message_id, message))

    def now(self) -> Moment:
        return Moment(self.boot, self.clock.mono_ns(), self.clock.wall_ns())

    def alarm(self, state: State, *, revision: int = 0, episode: int = 1, subject: str = "school") -> None:
        before = State.PENDING if state is State.FIRING else State.FIRING
        known = Known(f"site-dark:{subject}", "site-dark", subject, SiteId("school"), Standing(before), revision)
        move = Move(known, Standing(state, episode=episode, began=self.now()), self.now(), WORDS, Reason.LASTED)
        assert self.alerts.move([move], self.outbox.post)

    def deliver(self) -> int:
        courier = Courier(
            self.outbox, self, sender="beket@dolyna.ua", boot_id=self.boot, lease_s=LEASE_S, give_up_after_s=86_400
        )
        return courier.run_once(clock=self.clock, rng=random.Random(1), instruments=self.instruments)


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    made = Post(tmp_path)
    yield made
    made.database.close()


def test_a_letter_goes_once(post: Post) -> None:
    post.alarm(State.FIRING)
    assert post.deliver() == 1
    assert post.deliver() == 0
    assert post.outbox.figures(post.now()).waiting == 0


def test_a_server_that_is_away_loses_nothing_and_the_page_says_so(post: Post) -> None:
    post.alarm(State.FIRING)
    post.error = Unreachable("away")
    for _ in range(5):
        with pytest.raises(Unreachable):
            post.deliver()
        post.clock.pass_time(120)
    figures = post.outbox.figures(post.now())
    assert (figures.waiting, figures.dead) == (1, 0)
    assert figures.oldest_age_s == 600
    assert figures.trouble == Said("away", "away")
    post.error = None
    assert post.deliver() == 1
    assert len(post.taken) == 1


def test_who_dies_between_sending_and_marking_makes_one_repeat_with_the_same_id(post: Post) -> None:
    post.alarm(State.FIRING)
    letter = post.outbox.claim(post.now(), lease_s=LEASE_S)
    assert letter is not None
    assert post.deliver() == 0  # another worker leaves it alone while the claim holds
    post.clock.pass_time(LEASE_S + 1)
    assert post.deliver() == 1
    assert post.taken[0][1] == f"Message-ID: {letter.message_id}"
    post.outbox.sent(letter, post.now())  # the dead one's mark, come late, changes nothing
    assert post.deliver() == 0


def test_after_a_reboot_a_claim_of_before_holds_nothing_up(post: Post) -> None:
    post.alarm(State.FIRING)
    assert post.outbox.claim(post.now(), lease_s=LEASE_S)
    post.boot = "next"
    assert post.deliver() == 1


def test_a_wrong_address_is_buried_visibly_and_does_not_hold_up_the_others(tmp_path: Path) -> None:
    post = Post(tmp_path, ("wrong@dolyna.ua", "it@dolyna.ua"))
    post.alarm(State.FIRING)

    def send(message: bytes, *, sender: str, recipient: str) -> None:
        if recipient.startswith("wrong"):
            raise LetterRefused("no such box")
        Post.send(post, message, sender=sender, recipient=recipient)

    post.send = send  # type: ignore[method-assign]
    assert post.deliver() == 1
    (dead,) = post.outbox.dead(limit=9)
    assert (dead.recipient, dead.why.en) == ("wrong@dolyna.ua", "no such box")
    post.alarm(State.RESOLVED, revision=1)
    assert post.deliver() == 1  # nobody hears of an end who did not hear of the beginning
    assert [recipient for recipient, *_ in post.taken] == ["it@dolyna.ua"] * 2
    post.database.close()


def test_the_end_waits_for_the_beginning_and_dies_with_it(post: Post) -> None:
    post.alarm(State.FIRING)
    post.error = LetterPostponed("greylisted")
    assert post.deliver() == 0
    post.alarm(State.RESOLVED, revision=1)
    post.error = None
    assert post.deliver() == 0
    post.error = LetterRefused("never")
    post.clock.pass_time(100)
    assert post.deliver() == 0
    assert len(post.outbox.dead(limit=9)) == 2
    assert post.outbox.figures(post.now()).waiting == 0


def test_a_postponed_letter_comes_again_and_is_buried_after_a_day(post: Post) -> None:
    post.alarm(State.FIRING)
    post.error = LetterPostponed("greylisted")
    for _ in range(40):
        post.deliver()
        post.clock.pass_time(3600)
    (dead,) = post.outbox.dead(limit=9)
    assert dead.why.en == "greylisted We no longer try."
    post.outbox.forget(post.clock.wall_ns() + 10**18, keep_s=1)
    assert post.outbox.dead(limit=9) == []


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["fire", "end", "send", "crash", "away", "reboot", "wait"]), max_size=25))
def test_whatever_happens_each_letter_arrives_at_least_once_and_at_most_once_more_per_crash(
    tmp_path_factory: pytest.TempPathFactory, events: list[str]
) -> None:
    post = Post(tmp_path_factory.mktemp("post"))
    revision, is_firing, episode, crashes = 0, False, 0, 0
    expected: list[str] = []
    for event in [*events, "wait", "send"]:
        if event == "fire" and not is_firing:
            episode += 1
            post.alarm(State.FIRING, revision=revision, episode=episode)
            is_firing, revision = True, revision + 1
            expected.append("firing")
        elif event == "end" and is_firing:
            post.alarm(State.RESOLVED, revision=revision, episode=episode)
            is_firing, revision = False, revision + 1
            expected.append("resolved")
        elif event == "send":
            post.error = None
            post.deliver()
        elif event == "crash":
            letter = post.outbox.claim(post.now(), lease_s=LEASE_S)
            if letter:
                post.taken.append((letter.recipient, f"Message-ID: {letter.message_id}", b""))
                crashes += 1
        elif event == "away":
            post.error = Unreachable("away")
            if post.outbox.figures(post.now()).waiting:
                with contextlib.suppress(Unreachable):
                    post.deliver()
            post.error = None
        elif event == "reboot":
            post.boot += "x"
        elif event == "wait":
            post.clock.pass_time(LEASE_S + 100)
    ids = [message_id for _, message_id, _ in post.taken]
    assert len(set(ids)) == len(expected)
    assert len(ids) - len(set(ids)) <= crashes
    assert post.outbox.figures(post.now()).waiting == 0
    assert post.clock.mono_ns() >= NS_PER_S or not events
    post.database.close()
