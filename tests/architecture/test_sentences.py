"""Every sentence for people exists in both languages and says the same."""

import ast
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from beket.testing.source_tree import Module, dotted, functions, parameters

CYRILLIC = re.compile(r"[Ѐ-ӿ]")
RUSSIAN_ONLY = re.compile(r"[ыэъёЫЭЪЁ]")


@dataclass(frozen=True)
class Sentence:
    """One call of `say`, or of a function of the module that passes its own `uk` and `en` on to it.

    Attributes:
        values: names of the values it fills in; None when they are not written out there.
        counted: names of the values that are Ukrainian nouns with their number.
    """

    place: str
    uk: str | None
    en: str | None
    values: set[str] | None
    counted: set[str]


@pytest.fixture(scope="module")
def sentences(room_modules: list[Module]) -> list[Sentence]:
    return [sentence for module in room_modules for sentence in _sentences(module)]


def _sentences(module: Module) -> Iterator[Sentence]:
    passing = [f for f in functions(module) if [argument.arg for argument in parameters(f)][:2] == ["uk", "en"]]
    inside = {id(node) for function in passing for node in ast.walk(function)}
    names = {"say"} | {function.name for function in passing}
    assigned = [node for node in module.nodes if isinstance(node, ast.Assign) and _is_counted(node.value)]
    nouns = {dotted(target) for node in assigned for target in node.targets}
    for node in module.nodes:
        if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in names and id(node) not in inside:
            words = [getattr(a, "value", None) if isinstance(a, ast.Constant) else None for a in node.args]
            uk, en = [*words, None, None][:2]
            named = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg is not None}
            counted = {n for n, v in named.items() if _is_counted(v) or dotted(v) in nouns}
            open_ended = len(named) < len(node.keywords) or dotted(node.func) != "say"
            yield Sentence(f"{module.place}:{node.lineno}", uk, en, None if open_ended else set(named), counted)


def _is_counted(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and dotted(value.func).rpartition(".")[2] == "counted"


def _fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def test_sentences_are_written_out_where_they_are_said(sentences: list[Sentence]) -> None:
    assert len(sentences) > 30
    assert not [s.place for s in sentences if not isinstance(s.uk, str) or not isinstance(s.en, str)]


def test_both_languages_tell_the_same_values(sentences: list[Sentence]) -> None:
    """Only a counted noun may differ: «5 камер» is one value in Ukrainian, a number and a word in English."""
    found = []
    for s in sentences:
        uk, en = _fields(s.uk or ""), _fields(s.en or "")
        if (uk - en) - s.counted or (en - uk and not s.counted) or (s.values is not None and uk | en != s.values):
            found.append(s.place)
    assert not found


def test_each_language_is_written_in_its_own_letters(sentences: list[Sentence]) -> None:
    found = []
    for s in sentences:
        words = re.sub(r"\{[^}]*\}|[\W\d_]", "", s.uk or "")
        english = re.sub(r"“[^”]*”", "", s.en or "")  # what stands in quotes is what the person sees or types
        if (words and not CYRILLIC.search(words)) or RUSSIAN_ONLY.search(words) or CYRILLIC.search(english):
            found.append(s.place)
    assert not found
