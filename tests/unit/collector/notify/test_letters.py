from dataclasses import replace
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.clock import NS_PER_S
from beket.kernel.errors import InvalidConfig
from beket.kernel.ids import SiteId
from collector.notify.config import MailConfig
from collector.notify.kyiv_time import moment_in_words, stretch_in_words
from collector.notify.letter import body_of, compose, subject_of
from collector.rules.condition import Said, Words
from collector.rules.standing import Moment, Standing, State
from collector.rules.store import Known, Move, Reason

WORDS = Words(
    title=Said("Немає світла або зв'язку — Школа (Цибульківка)", "dark"),
    what=Said("На об'єкті «Школа» разом замовкли: Двір, Брама.", "what"),
    why=Said("Найімовірніше, вимкнули світло.", "why"),
    todo=Said("Дізнайтеся, чи є там світло.", "todo"),
    call=Said("Петро, 067 000 00 00", "call"),
    over=Said("Світло і зв'язок є — Школа (Цибульківка)", "over"),
)
# 25 November 2026, 17:05 in Kyiv
BEGAN = Moment("boot", 0, 1_795_619_100 * NS_PER_S)
KNOWN = Known("site-dark:school", "site-dark", "school", SiteId("school"))
FIRING = Move(KNOWN, Standing(State.FIRING, episode=1, began=BEGAN), BEGAN, WORDS, Reason.LASTED)


def ended(*, after_s: int, boot: str = "boot", wall_s: int | None = None) -> Move:
    wall_ns = BEGAN.wall_ns + (after_s if wall_s is None else wall_s) * NS_PER_S
    now = Moment(boot, after_s * NS_PER_S, wall_ns)
    return replace(FIRING, after=Standing(State.RESOLVED, episode=1, began=BEGAN), now=now, reason=Reason.GONE)


def parse(raw: bytes) -> EmailMessage:
    return cast("EmailMessage", BytesParser(policy=default).parsebytes(raw))


def test_a_letter_has_the_four_parts_in_order_and_kyiv_time() -> None:
    body = body_of(FIRING, community="Долинська громада")
    heads = ["ЩО СТАЛОСЯ", "ЧОМУ", "ЩО РОБИТИ", "КОМУ ДЗВОНИТИ", "КОЛИ"]
    places = [body.index(head) for head in heads]
    assert places == sorted(places)
    assert "Почалося 25 листопада 2026 року, 17:05 (за Києвом)." in body
    assert "Петро, 067 000 00 00" in body
    assert subject_of(FIRING) == "Бекет: Немає світла або зв'язку — Школа (Цибульківка)"


def test_the_end_says_how_long_it_lasted() -> None:
    body = body_of(ended(after_s=2 * 3600 + 300), community="Долинська громада")
    assert "Тривало: 2 години 5 хвилин." in body
    assert "Почалося 25 листопада 2026 року, 17:05." in body
    assert "Від вас нічого не потрібно" in body


def test_the_end_trusts_the_monotonic_clock_and_admits_when_it_cannot_know() -> None:
    stepped = body_of(ended(after_s=600, wall_s=86_400), community="Д")
    assert "Тривало: 10 хвилин." in stepped
    lost = body_of(ended(after_s=600, boot="next", wall_s=-5), community="Д")
    assert "годинник центру переводили" in lost


def test_a_message_is_utf8_text_with_the_headers_of_an_automatic_letter() -> None:
    raw = compose(
        message_id="<1@dolyna.gov.ua>",
        sender="beket@dolyna.gov.ua",
        recipient="it@dolyna.gov.ua",
        subject=subject_of(FIRING),
        body=body_of(FIRING, community="Долинська громада"),
        wall_ns=BEGAN.wall_ns,
    )
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78
    assert b"\n" not in raw.replace(b"\r\n", b"")
    message = parse(raw)
    assert message["Message-ID"] == "<1@dolyna.gov.ua>"
    assert message["Date"] == "Wed, 25 Nov 2026 17:05:00 +0200"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["From"] == "Бекет <beket@dolyna.gov.ua>"
    assert message["Subject"] == subject_of(FIRING)
    assert message.get_content_type() == "text/plain"
    assert message.get_content_charset() == "utf-8"
    assert message.get_content().replace("\r\n", "\n") == body_of(FIRING, community="Долинська громада")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_no_name_of_a_thing_can_forge_a_header(subject: str) -> None:
    raw = compose(message_id="<1@d>", sender="a@b", recipient="c@d", subject=subject, body=subject, wall_ns=0)
    assert sorted(name.lower() for name in parse(raw)) == sorted(
        [
            "message-id",
            "date",
            "from",
            "to",
            "subject",
            "auto-submitted",
            "content-language",
            "content-type",
            "content-transfer-encoding",
            "mime-version",
        ]
    )


def test_the_doubled_hour_of_autumn_is_told_apart() -> None:
    assert moment_in_words(1_729_989_000 * NS_PER_S).endswith("03:30 (ще літній час)")
    assert moment_in_words(1_729_992_600 * NS_PER_S).endswith("03:30 (вже зимовий час)")


@given(st.integers(0, 10**9))
def test_any_stretch_has_words(seconds: int) -> None:
    assert stretch_in_words(seconds * NS_PER_S)


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "mail.ua"},
        {"recipients": ("no address",)},
        {"recipients": ("a@b\r\nBcc: c@d",)},
        {"host": "mail.ua", "sender": "a@b", "security": "plain"},
        {"host": "mail.ua", "sender": "a@b", "login": "a"},
    ],
)
def test_wrong_settings_of_mail_are_refused_with_a_sentence(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidConfig):
        MailConfig(**wrong)  # type: ignore[arg-type]
