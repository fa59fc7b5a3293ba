"""The agent's own SSH client logs in to the simulated router as to any other, and copies what it shows."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.hosts import families as manners
from agents.hosts.config import parse_ssh_address
from agents.hosts.host_keys import ChangedHostKey, HostKeys
from agents.hosts.listed import listed_gear
from agents.hosts.sessions import Gear, SshShells
from backup.configs import families
from backup.configs.copier import Copier
from backup.configs.sealing import OpeningKey
from backup.configs.store import KEPT_AT_SITE, ConfigStore, LookOutcome
from backup.configs.text import Marks
from beket.kernel.clock import SimulatedClock, SystemClock
from beket.kernel.errors import Busy, Unauthenticated, Unreachable
from beket.kernel.ids import DeviceId, SiteId
from beket.kernel.secrets import Secret, SecretFolder, write_secret_file
from beket.sim.community import inventory, new_shells
from beket.sim.places import MOHYLIV
from beket.sim.router_settings import RouterSettings
from beket.sim.shell_access import ShellAccess, new_access
from beket.sim.shell_server import ShellServer

SHELLS = new_shells(MOHYLIV)
(ROUTER,) = SHELLS
SITE = SiteId("starostat-novopidkriazh")
HOST = f"127.21.{random.randint(1, 254)}.{random.randint(2, 254)}"


class Village:
    """A router on its own clock, and a site that may log in."""

    def __init__(self, folder: Path, access: ShellAccess) -> None:
        self.clock = SimulatedClock()
        self.has_power = True
        settings = RouterSettings(ROUTER, clock=self.clock)
        self.server = ShellServer(
            password=access.password, host_key=access.host_key, answer=settings.answer, is_awake=lambda: self.has_power
        )
        self.port = self.server.start(HOST, 0)
        write_secret_file(folder / "secrets" / f"{ROUTER}-ssh", SHELLS[ROUTER].password)
        self._folder = folder

    def shells(self, **changes: object) -> SshShells:
        (listed,) = listed_gear((), inventory(MOHYLIV, shells=SHELLS).devices)
        assert parse_ssh_address(listed.address)[1] != self.port
        fields = {
            "device": ROUTER, "family": listed.family, "host": HOST, "port": self.port, "login": listed.login,
            "secret": listed.secret, "host_key": listed.host_key, "timeout_s": 30.0,
        }  # fmt: skip
        return SshShells(
            {ROUTER: Gear(**(fields | changes))},  # type: ignore[arg-type]
            families=manners.shipped_families(), keys=HostKeys(self._folder / "keys"),
            secrets=SecretFolder(self._folder / "secrets"), clock=SystemClock(),
        )  # fmt: skip


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Village]:
    village = Village(tmp_path, SHELLS[ROUTER])
    yield village
    village.server.close()


def test_the_first_copy_then_the_technicians_change_with_passwords_masked(village: Village, tmp_path: Path) -> None:
    store = ConfigStore(tmp_path / "configs.db", kept=KEPT_AT_SITE)
    key = OpeningKey.load_or_create(tmp_path / "gear.key")
    copier = Copier(
        site=SITE, shells=village.shells(), families=families.shipped_families(), store=store, marks=Marks(b"k" * 32),
        public_key=key.public, clock=village.clock,
    )  # fmt: skip
    try:
        assert copier.look(ROUTER, "mikrotik").outcome is LookOutcome.FIRST
        assert copier.look(ROUTER, "mikrotik").outcome is LookOutcome.UNCHANGED
        village.clock.pass_time(3600)
        changed = copier.look(ROUTER, "mikrotik")
        assert changed.outcome is LookOutcome.CHANGED
        assert "«master»" in changed.reason.uk.format(**changed.reason.values)
        newest, first = store.history(SITE, ROUTER)
        assert "dst-nat" in newest.masked
        assert "dst-nat" not in first.masked
        assert "Hosti" not in first.masked + newest.masked
        assert "Hosti-gromady-2" in key.open(newest.sealed, device=ROUTER, taken_ns=newest.sealed_ns)
    finally:
        store.close()


def test_another_password_and_another_key_are_refused(village: Village) -> None:
    with pytest.raises(ChangedHostKey), village.shells(host_key=new_access().fingerprint()).open(ROUTER):
        pass
    with pytest.raises(Unauthenticated), village.shells(login="admin").open(ROUTER):
        pass


def test_without_power_it_hangs_up_and_it_is_there_again_with_it(village: Village) -> None:
    village.has_power = False
    with pytest.raises(Unreachable), village.shells().open(ROUTER):
        pass
    village.has_power = True
    with village.shells().open(ROUTER) as session:
        assert ROUTER in session.run("/system identity print")
        assert "bad command name" in session.run("/system reboot")


def test_a_taken_address_is_one_sentence(village: Village) -> None:
    other = ShellServer(password=Secret("p"), host_key=new_access().host_key, answer=str)
    with pytest.raises(Busy):
        other.start(HOST, village.port)


def test_the_inventory_names_the_secret_and_never_holds_it() -> None:
    has = inventory(MOHYLIV, shells=SHELLS)
    router = next(device for device in has.devices if device.id == ROUTER)
    assert router.shell.startswith("mikrotik://beket@127.20.2.1:")
    assert router.host_key == SHELLS[DeviceId(ROUTER)].fingerprint()
    assert SHELLS[ROUTER].password.reveal() not in repr(has)
    assert not any(device.shell for device in inventory(MOHYLIV).devices)
