import pytest

from beket.access.passwords import PASSWORD_MAX_CHARS, Passwords, check_new_password
from beket.kernel.errors import InvalidArgument
from beket.kernel.secrets import Secret

GOOD = "сіль хата гай міст"


def test_a_password_opens_only_its_own_hash(passwords: Passwords) -> None:
    stored = passwords.hash(Secret(GOOD))
    assert stored.startswith("$argon2id$")
    assert GOOD not in stored
    assert passwords.verify(stored, Secret(GOOD))
    assert not passwords.verify(stored, Secret(GOOD + "!"))
    assert passwords.hash(Secret(GOOD)) != stored


def test_a_password_typed_on_a_phone_is_the_same_when_it_decomposes_letters(passwords: Passwords) -> None:
    composed, decomposed = "мій їжак і Ґанок", "мі\u0438\u0306 \u0456\u0308жак і Ґанок"
    assert composed != decomposed
    assert passwords.verify(passwords.hash(Secret(composed)), Secret(decomposed))


@pytest.mark.parametrize("stored", [None, "", "not a hash", "$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA"])
def test_no_account_and_a_damaged_hash_open_nothing(passwords: Passwords, stored: str | None) -> None:
    assert not passwords.verify(stored, Secret("nobody has this password"))


@pytest.mark.parametrize("given", ["", "x" * (PASSWORD_MAX_CHARS + 1), "\ud800" * 12, "\0" * 20])
def test_odd_passwords_are_refused_without_an_error(passwords: Passwords, given: str) -> None:
    assert not passwords.verify(passwords.hash(Secret(GOOD)), Secret(given))


def test_a_hash_with_other_parameters_is_dated_and_still_verifies(passwords: Passwords) -> None:
    stored = Passwords(time_cost=2, memory_kib=16, lanes=1).hash(Secret(GOOD))
    assert passwords.is_dated(stored)
    assert not passwords.is_dated(passwords.hash(Secret(GOOD)))
    assert passwords.verify(stored, Secret(GOOD))


@pytest.mark.parametrize("easy", ["", "коротко", "111111111111", "ababababababab", "olena-olena-12", "x" * 300])
def test_an_easy_password_is_refused_with_the_rule(easy: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_new_password(Secret(easy), login="olena")
    assert "від 12 до 256 знаків" in caught.value.sentence().uk
    assert not easy or easy not in caught.value.sentence().uk


def test_four_ordinary_words_are_a_good_password() -> None:
    check_new_password(Secret(GOOD), login="olena")
