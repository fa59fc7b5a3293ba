import pytest

from beket.kernel.text import Text, counted, language_of_environment, plain, say


def test_text_fills_both_languages_from_the_same_values() -> None:
    text = say("Порт {port} зайнятий.", "Port {port} is in use.", port=8080)
    assert (text.uk, text.en, str(text)) == ("Порт 8080 зайнятий.", "Port 8080 is in use.", "Порт 8080 зайнятий.")
    assert (text.to("uk"), text.to("en")) == (text.uk, text.en)


def test_text_inside_a_text_takes_its_language() -> None:
    cause = say("немає світла", "no power")
    text = say("Камера мовчить: {cause}.", "The camera is silent: {cause}.", cause=cause)
    assert (text.uk, text.en) == ("Камера мовчить: немає світла.", "The camera is silent: no power.")


def test_texts_differ_when_their_values_do_and_are_usable_as_keys() -> None:
    one, two = (say("{n} з 5", "{n} of 5", n=n) for n in (1, 2))
    assert one != two
    assert one == Text("{n} з 5", "{n} of 5", {"n": 1})
    assert len({one, two, say("{n} з 5", "{n} of 5", n=1)}) == 2


def test_plain_keeps_braces_of_foreign_words() -> None:
    assert plain("{oops} 100 %").uk == plain("{oops} 100 %").en == "{oops} 100 %"


def test_values_are_not_templates() -> None:
    assert say("Файл {path}", "File {path}", path="{path.__class__}").uk == "Файл {path.__class__}"


@pytest.mark.parametrize(("asked", "language"), [("en", "en"), ("EN_US", "en"), ("uk", "uk"), ("de", "uk"), ("", "uk")])
def test_language_is_ukrainian_unless_english_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, asked: str, language: str
) -> None:
    monkeypatch.setenv("BEKET_LANG", asked)
    assert language_of_environment() == language


def test_language_is_ukrainian_when_nothing_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BEKET_LANG", raising=False)
    assert language_of_environment() == "uk"


@pytest.mark.parametrize(
    ("n", "form"),
    [(0, "камер"), (1, "камера"), (3, "камери"), (12, "камер"), (14, "камер"), (22, "камери"), (111, "камер")],
)
def test_counted_puts_the_noun_into_the_form_of_its_number(n: int, form: str) -> None:
    assert counted(n, "камера", "камери", "камер") == f"{n} {form}"
