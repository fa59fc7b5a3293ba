"""Gear for the tests of sessions: a real sshd whose logins are a scripted command line, and our way into it."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from agents.hosts.families import Family, shipped_families
from agents.hosts.host_keys import HostKeys
from agents.hosts.sessions import Gear, SshShells
from beket.kernel.clock import SystemClock
from beket.kernel.ids import DeviceId
from beket.kernel.secrets import Secret, SecretFolder, write_secret_file
from beket.testing.sshd import Sshd, gear_command, sshd

ROUTER = DeviceId("router-council")


@dataclass(frozen=True)
class GearAtHand:
    """One device.

    Attributes:
        state: folder with what it has: `running-config`, `is-slow`…
        shells: opens sessions with it; its host key is given.
    """

    server: Sshd
    state: Path
    gear: Gear
    keys: HostKeys
    secrets: SecretFolder
    open_with: Callable[..., SshShells]

    @property
    def shells(self) -> SshShells:
        return self.open_with()

    def asked(self) -> list[str]:
        path = self.state / "asked"
        return path.read_text().splitlines() if path.exists() else []


@contextlib.contextmanager
def gear_at_hand(
    folder: Path,
    script: str,
    family: str,
    *,
    files: dict[str, str] | None = None,
    password: str = "correct horse, 'staple'",
    extra_config: Sequence[str] = (),
    host_key: Path | None = None,
) -> Iterator[GearAtHand]:
    """A device of `family` that behaves as `script` says, with `files` in its state."""
    state = folder / "state"
    state.mkdir(parents=True)
    for name, text in (files or {}).items():
        (state / name).write_text(text)
    write_secret_file(folder / "secrets" / "router-ssh", Secret(password))
    secrets, keys = SecretFolder(folder / "secrets"), HostKeys(folder / "host-keys")
    with sshd(gear_command(script, state), password=password, extra_config=extra_config, host_key=host_key) as server:
        gear = Gear(
            ROUTER,
            family,
            server.host,
            server.port,
            server.login,
            "router-ssh",
            host_key=server.fingerprint,
            timeout_s=30,
        )

        def open_with(**changes: object) -> SshShells:
            changed = dataclasses.replace(gear, **changes)
            return SshShells({ROUTER: changed}, families=_families(), keys=keys, secrets=secrets, clock=SystemClock())

        yield GearAtHand(server, state, gear, keys, secrets, open_with)


def _families() -> dict[str, Family]:
    """The shipped ones, and each again as if it could not turn its pager off."""
    families = shipped_families()
    for name, family in list(families.items()):
        shell = msgspec.structs.replace(family.shell, prepare=())
        families[f"paged-{name.removeprefix('cisco-')}"] = msgspec.structs.replace(family, shell=shell)
    return families
