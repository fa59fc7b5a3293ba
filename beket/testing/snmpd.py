"""Owns a real Net-SNMP agent on a free port of loopback, with a configuration written for the test."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from beket.testing.process import Program, free_udp_port, printed, running
from beket.testing.programs import find


@dataclass(frozen=True, slots=True)
class Snmpd:
    """A running agent.

    Attributes:
        community: the v1 and v2c community that may read everything.
    """

    host: str
    port: int
    community: str
    program: Program

    @property
    def address(self) -> str:
        """`host:port`, as the inventory and Net-SNMP's own clients spell it."""
        return f"{self.host}:{self.port}"


def v3_user(name: str, auth: str = "", auth_password: str = "", priv: str = "", priv_password: str = "") -> str:
    """Lines for `extra_config` that make a v3 user who may read everything, by Net-SNMP's names: SHA-256, AES, DES."""
    level = "priv" if priv else "auth" if auth else "noauth"
    auth = f'{auth} "{auth_password}"' if auth else ""
    priv = f'{priv} "{priv_password}"' if priv else ""
    return f"createUser {name} {auth} {priv}\nrouser {name} {level}\n"


@contextlib.contextmanager
def snmpd(
    *,
    community: str = "public",
    sys_name: str = "switch-council",
    sys_location: str = "Mohyliv, council",
    extra_config: str = "",
    port: int = 0,
    state: Path | None = None,
) -> Iterator[Snmpd]:
    """Run `snmpd` until the block ends; nothing of the machine's own configuration or state is read or written.

    Given the `port` and the `state` (a folder) of an earlier one, it is the same agent after a restart.

    Raises:
        ProgramFailed: it did not start.
    """
    host, port = "127.0.0.1", port or free_udp_port()
    with tempfile.TemporaryDirectory(prefix="beket-snmpd-") as folder:
        config = Path(folder) / "configuration"  # not snmpd.conf, which is where it keeps its state
        config.write_text(
            f"rocommunity {community} 127.0.0.1\n"
            f"sysName {sys_name}\n"
            f"sysLocation {sys_location}\n"
            "sysContact it\n"
            f"{extra_config}\n"
        )
        argv = [str(find("snmpd") or "snmpd"), "-f", "-Le", "-c", str(config), f"udp:{host}:{port}"]
        kept = str(state or folder)
        env = {"SNMP_PERSISTENT_DIR": kept, "SNMPCONFPATH": kept, "MIBS": ""}
        with running(argv, ready=printed("NET-SNMP version"), env=env) as program:
            yield Snmpd(host, port, community, program)
