import pytest

from beket.testing.source_tree import ROOMS, Module, modules


@pytest.fixture(scope="session")
def room_modules() -> list[Module]:
    """Every module of the rooms, the test kit included."""
    return modules(*ROOMS)


@pytest.fixture(scope="session")
def shipped(room_modules: list[Module]) -> list[Module]:
    """What users run."""
    return [module for module in room_modules if module.ships]


@pytest.fixture(scope="session")
def every_module(room_modules: list[Module]) -> list[Module]:
    """Rooms and tests."""
    return room_modules + modules("tests")
