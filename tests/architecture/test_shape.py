"""Sizes and names: what keeps a module short enough to read and a name plain enough to find."""

import ast
import sys

from beket.testing.source_tree import PROJECT, Module, functions, parameters

MODULE_MAX_LINES = 600
FUNCTION_MAX_LINES = 80
MAX_PARAMETERS = 7
DRAWERS = frozenset({"base", "common", "core", "helper", "helpers", "manager", "misc", "util", "utils"})
# DESIGN names these, and they are only ever imported by their full name.
NAMED_LIKE_THE_STANDARD_LIBRARY = frozenset({"beket.kernel.secrets"})
WITHOUT_UNIT = frozenset({"bitrate", "delay", "duration", "interval", "period", "rate", "size", "timeout"})


def test_no_module_is_longer_than_one_sitting(every_module: list[Module]) -> None:
    long = {m.place: n for m in every_module if (n := m.source.count("\n")) > MODULE_MAX_LINES}
    assert not long


def test_no_function_is_longer_than_a_page_or_takes_too_much(every_module: list[Module]) -> None:
    found = []
    for module in every_module:
        if ".migrations" in module.name:
            continue  # a first migration is a list of tables, as long as they are many
        for function in functions(module):
            lines = (function.end_lineno or function.lineno) - function.lineno + 1
            if lines > FUNCTION_MAX_LINES or len(parameters(function)) > MAX_PARAMETERS:
                found.append(f"{module.place}:{function.lineno} {function.name}")
    assert not found


def test_no_module_is_a_drawer_for_odds_and_ends(every_module: list[Module]) -> None:
    assert not [m.place for m in every_module if DRAWERS & set(m.name.split("."))]


def test_no_module_of_a_room_is_named_like_the_standard_library(room_modules: list[Module]) -> None:
    """Run from inside the room's folder, it would be imported in the library's place."""
    at_the_door = [m.name for m in room_modules if m.name.count(".") == (2 if m.name.startswith("beket.") else 1)]
    found = {name for name in at_the_door if name.rpartition(".")[2] in sys.stdlib_module_names}
    assert found <= NAMED_LIKE_THE_STANDARD_LIBRARY


def test_package_files_are_empty(room_modules: list[Module]) -> None:
    assert not [m.place for m in room_modules if m.path.name == "__init__.py" and m.source.strip()]


def test_every_folder_with_modules_is_a_package(room_modules: list[Module]) -> None:
    """What lies in a folder without `__init__.py` is not seen by the import contracts."""
    folders = {folder for m in room_modules for folder in m.path.relative_to(PROJECT).parents if folder.name}
    assert not [str(folder) for folder in folders if not (PROJECT / folder / "__init__.py").exists()]


def test_ansible_is_no_package_so_that_it_does_not_hide_the_real_one() -> None:
    assert not list((PROJECT / "ansible").rglob("__init__.py"))


def test_imports_are_absolute(every_module: list[Module]) -> None:
    nodes = ((m.place, node) for m in every_module for node in m.nodes if isinstance(node, ast.ImportFrom))
    assert not [f"{place}:{node.lineno}" for place, node in nodes if node.level]


def test_quantities_carry_their_unit(room_modules: list[Module]) -> None:
    found = []
    for module in room_modules:
        for function in functions(module):
            bare = [argument.arg for argument in parameters(function) if argument.arg in WITHOUT_UNIT]
            found += [f"{module.place}:{function.lineno} {function.name}({name})" for name in bare]
        for class_ in (node for node in module.nodes if isinstance(node, ast.ClassDef)):
            fields = [item.target for item in class_.body if isinstance(item, ast.AnnAssign)]
            bare = [field.id for field in fields if isinstance(field, ast.Name) and field.id in WITHOUT_UNIT]
            found += [f"{module.place}:{class_.lineno} {class_.name}.{name}" for name in bare]
    assert not found
