"""Owns sentences for people: each is written once in Ukrainian and once in English, side by side.

Does not own pages (Jinja templates have their own catalogue) nor developers' messages (plain `str`).
The language is chosen where a sentence leaves the process: the CLI, a page, a notification.
"""

import os
from dataclasses import dataclass, field
from typing import Literal

Language = Literal["uk", "en"]


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in both languages, with the values that both share.

    Example:
        >>> text = Text("Порт {port} зайнятий.", "Port {port} is in use.", {"port": 8080})
        >>> text.uk
        'Порт 8080 зайнятий.'
        >>> str(text) == text.uk
        True
    """

    uk_template: str
    en_template: str
    values: dict[str, object] = field(default_factory=dict, hash=False)

    @property
    def uk(self) -> str:
        """The Ukrainian sentence with its values filled in; a `Text` among the values takes the same language."""
        return self.uk_template.format_map({k: _spell(v, "uk") for k, v in self.values.items()})

    @property
    def en(self) -> str:
        """The English sentence with its values filled in."""
        return self.en_template.format_map({k: _spell(v, "en") for k, v in self.values.items()})

    def to(self, language: Language) -> str:
        """Return the sentence in `language`."""
        return self.uk if language == "uk" else self.en

    def __str__(self) -> str:
        return self.uk


def say(uk: str, en: str, **values: object) -> Text:
    """Make a sentence in both languages; `values` fill the `{named}` places of both.

    Without values the braces still need doubling, as in `str.format`.
    """
    return Text(uk, en, values)


def plain(words: str) -> Text:
    """Wrap words that are the same in both languages: a name, a path, foreign output."""
    return Text("{words}", "{words}", {"words": words})


def language_of_environment() -> Language:
    """The language the operator asked for with `BEKET_LANG`; Ukrainian unless it says `en`."""
    return "en" if os.environ.get("BEKET_LANG", "uk").lower().startswith("en") else "uk"


def counted(n: int, one: str, few: str, many: str) -> str:
    """Put a Ukrainian noun into the form its number asks for.

    Example:
        >>> [counted(n, "камера", "камери", "камер") for n in (1, 2, 5, 11, 21, 112)]
        ['1 камера', '2 камери', '5 камер', '11 камер', '21 камера', '112 камер']
    """
    tens, units = n % 100, n % 10
    if units == 1 and tens != 11:
        form = one
    elif 2 <= units <= 4 and not 12 <= tens <= 14:
        form = few
    else:
        form = many
    return f"{n} {form}"


def _spell(value: object, language: Language) -> object:
    return value.to(language) if isinstance(value, Text) else value
