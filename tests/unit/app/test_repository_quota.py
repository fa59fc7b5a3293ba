"""A host that has used up its allowance is let in no longer, until it has freed a twentieth; others never notice."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup.repository.accounts import Suspension
from backup.repository.keyring import Keyring
from backup.repository.ledger import Ledger
from backup.repository.service import Service
from beket.app.wiring.repository_service import watch_quota
from beket.kernel.clock import SimulatedClock
from beket.kernel.errors import InvalidArgument
from beket.kernel.units import GIB


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    ledger = Ledger(tmp_path / "repositories.db")
    nobody = None  # no restic is started here
    keyring = Keyring(tmp_path, tmp_path, nobody, ledger, SimulatedClock(), asyncio.Lock())  # type: ignore[arg-type]
    for host in ("a", "b"):
        ledger.add_host(host, "site", wall_ns=0)
        ledger.set_credential(host, f"{{SHA}}{host}")
    yield Service(keyring, tmp_path / "accounts", tmp_path / "crt", 1, lambda _: None)
    ledger.close()


def accounts(service: Service) -> str:
    return service.accounts_file.read_text() if service.accounts_file.exists() else "all"


def test_allowance_is_kept_with_some_play(service: Service) -> None:
    assert watch_quota(service, "a", 5 * GIB, quota_gib=0) is None
    assert watch_quota(service, "a", GIB, quota_gib=2) == 0.5
    assert accounts(service) == "all"
    watch_quota(service, "a", 2 * GIB, quota_gib=2)
    assert accounts(service) == "b:{SHA}b\n"
    watch_quota(service, "a", round(1.95 * GIB), quota_gib=2)
    assert accounts(service) == "b:{SHA}b\n"
    watch_quota(service, "a", round(1.8 * GIB), quota_gib=2)
    assert accounts(service) == "a:{SHA}a\nb:{SHA}b\n"


def test_neighbour_cannot_take_the_place_of_a_host(service: Service) -> None:
    service.keyring.ledger.keep_size("a", 1, 1, wall_ns=0)
    with pytest.raises(InvalidArgument):
        service.admit_guest("a", address="centre")
    assert service.admit_guest("sosidy", address="centre.example").startswith("rest:https://sosidy:")
    assert "sosidy:{SHA}" in accounts(service)


def test_removed_agent_does_not_come_back_by_being_small(service: Service) -> None:
    service.suspend("a", Suspension.REVOKED)
    for size_bytes in (0, 9 * GIB, 0):
        watch_quota(service, "a", size_bytes, quota_gib=2)
    assert accounts(service) == "b:{SHA}b\n"
