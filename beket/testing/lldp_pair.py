"""Owns two real devices on one cable: Net-SNMP's agent with lldpd behind it, each in a network namespace of its own.

Needs the right to make namespaces (root). Nothing of the machine's own network is touched; all ends with the block.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from beket.testing.process import Program, output_of, printed, running
from beket.testing.programs import find

SNMP_PORT = 1161
ASLEEP = ("sleep", "infinity")


@dataclass(frozen=True, slots=True)
class Place:
    """A namespace with one device in it, which answers SNMP there on 127.0.0.1.

    Attributes:
        port: name of its end of the cable.
    """

    name: str
    port: str
    holder: Program

    def inside(self, argv: Sequence[str]) -> list[str]:
        """The command that runs `argv` in this place."""
        return ["nsenter", "--target", str(self.holder.process.pid), "--net", "--", *argv]


@contextlib.contextmanager
def lldp_pair(one: str, other: str) -> Iterator[tuple[Place, Place]]:
    """Two devices with these names on one cable, `eth0` to `eth7`, until the block ends.

    Raises:
        ProgramFailed: namespaces may not be made here, or a program did not start.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="beket-lldp-")))
        folder.chmod(0o755)  # lldpd gives its rights away and must still reach the agent's socket
        first, second = (
            Place(name, port, stack.enter_context(running(["unshare", "--net", *ASLEEP], ready=_is_apart)))
            for name, port in ((one, "eth0"), (other, "eth7"))
        )
        output_of(*first.inside(["ip", "link", "add", first.port, "type", "veth", "peer", "name", "far"]))
        output_of(*first.inside(["ip", "link", "set", "far", "netns", str(second.holder.process.pid)]))
        output_of(*second.inside(["ip", "link", "set", "far", "name", second.port]))
        for place in (first, second):
            output_of(*place.inside(["ip", "link", "set", "lo", "up"]))
            output_of(*place.inside(["ip", "link", "set", place.port, "up"]))
            _furnish(place, folder / place.name, stack)
        yield first, second


def _furnish(place: Place, folder: Path, stack: contextlib.ExitStack) -> None:
    folder.mkdir()
    socket, config = folder / "agentx", folder / "configuration"
    config.write_text(f"rocommunity public 127.0.0.1\nsysName {place.name}\nmaster agentx\nagentXSocket {socket}\n")
    env = {"SNMP_PERSISTENT_DIR": str(folder), "SNMPCONFPATH": str(folder), "MIBS": ""}
    snmpd = [str(find("snmpd") or "snmpd"), "-f", "-Le", "-c", str(config), f"udp:127.0.0.1:{SNMP_PORT}"]
    stack.enter_context(running(place.inside(snmpd), ready=printed("NET-SNMP version"), env=env))
    lldpd = [str(find("lldpd") or "lldpd"), "-d", "-x", "-X", str(socket), "-u", str(folder / "lldpd"),
             "-S", f"simulated {place.name}"]  # fmt: skip
    stack.enter_context(running(place.inside(lldpd), ready=lambda _: (folder / "lldpd").exists()))


def _is_apart(program: Program) -> bool:
    """Whether the process has left our namespace."""
    own, its = Path("/proc/self/ns/net"), Path(f"/proc/{program.process.pid}/ns/net")
    with contextlib.suppress(OSError):
        return own.readlink() != its.readlink()
    return False
