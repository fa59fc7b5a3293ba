"""What is written about the code stays true: links lead somewhere, notes have their parts, words have one meaning."""

import re
from collections import Counter
from pathlib import Path

from beket.testing.source_tree import PROJECT, ROOMS, Module, text_files

LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
POINTER = re.compile(rf"(?<![\w/.~-])(?:{'|'.join(ROOMS)}|ansible|tests)/[\w./-]*\w\.(?:csv|md|py|toml|yaml|yml)\b")
ENTRY = re.compile(r"\| \*\*(?P<term>[^*]+)\*\* \| (?P<uk>[^|]+) \| (?P<meaning>[^|]+) \|(?P<where>[^|]*)\|")
CODE = re.compile(r"`((?:beket|collector|vms|backup|agents|dashboards)(?:\.\w+)+)`")
GLOSSARY = PROJECT / "beket/design/glossary.md"

PAGES = [path for path in text_files() if path.suffix == ".md"]
NOTES = [path for path in PAGES if path.parent.name == "design" and re.match(r"\d{4}-", path.name)]


def _place(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def test_links_lead_somewhere() -> None:
    found = []
    for page in PAGES:
        targets = [target.partition("#")[0] for target in LINK.findall(page.read_text())]
        local = [target for target in targets if target and not re.match(r"[a-z]+:", target)]
        found += [f"{_place(page)}: {target}" for target in local if not (page.parent / target).exists()]
    assert not found


def test_files_that_pages_name_exist() -> None:
    found = [(page, name) for page in PAGES for name in POINTER.findall(page.read_text())]
    assert not [f"{_place(page)}: {name}" for page, name in found if not (PROJECT / name).exists()]


def test_files_that_the_code_names_exist(every_module: list[Module]) -> None:
    found = [(module.place, name) for module in every_module for name in POINTER.findall(module.source)]
    assert not [f"{place}: {name}" for place, name in found if not (PROJECT / name).exists()]


def test_design_notes_have_their_parts() -> None:
    found = []
    for note in NOTES:
        text = note.read_text()
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        parts = ("Goals", "Non-goals", "Alternatives")
        lacking = [part for part in parts if not any(heading.startswith(part) for heading in headings)]
        found += [f"{_place(note)}: {part}" for part in lacking]
        if not re.search(r"^Status: \w", text, re.MULTILINE):
            found.append(f"{_place(note)}: Status")
    assert NOTES
    assert not found


def test_design_notes_have_numbers_of_their_own() -> None:
    numbers = Counter((note.parent, note.name[:4]) for note in NOTES)
    assert not [f"{_place(folder)}/{number}" for (folder, number), times in numbers.items() if times > 1]


def test_glossary_gives_each_word_one_meaning() -> None:
    entries = [match.groupdict() for match in ENTRY.finditer(GLOSSARY.read_text())]
    rows = [line for line in GLOSSARY.read_text().splitlines() if line.startswith("| **")]
    assert len(entries) == len(rows) > 40
    for column in ("term", "uk"):
        counts = Counter(entry[column].strip().casefold() for entry in entries)
        assert not [word for word, times in counts.items() if times > 1]


def test_names_that_the_glossary_and_the_notes_quote_from_the_code_exist(room_modules: list[Module]) -> None:
    sources = {module.name: module.source for module in room_modules}
    found = [(page, name) for page in [GLOSSARY, *NOTES] for name in CODE.findall(page.read_text())]
    assert not [f"{_place(page)}: {name}" for page, name in found if not _is_known(name, sources)]


def _is_known(name: str, sources: dict[str, str]) -> bool:
    """Whether `name` is a module, or the module it begins with spells each of the names that follow."""
    owner = name
    while owner not in sources and "." in owner:
        owner = owner.rpartition(".")[0]
    rest = name.removeprefix(owner).strip(".").split(".") if owner != name else []
    return owner in sources and all(re.search(rf"\b{part}\b", sources[owner]) for part in rest)
