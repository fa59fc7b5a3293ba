"""Owns a real time server (chronyd) on a free port of loopback; it never touches the machine's clock."""

import contextlib
import getpass
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from beket.testing.process import free_udp_port, running
from beket.testing.programs import find


@contextlib.contextmanager
def time_server(*, stratum: int | None = 8) -> Iterator[int]:
    """Run `chronyd` until the block ends and give its port; with `stratum` None it does not know the time.

    Raises:
        ProgramFailed: it did not start.
    """
    with tempfile.TemporaryDirectory(prefix="beket-chrony-") as folder:
        port = free_udp_port()
        config = Path(folder) / "configuration"
        lines = [
            f"port {port}", "bindaddress 127.0.0.1", "allow 127.0.0.0/8", "cmdport 0", "bindcmdaddress /",
            f"pidfile {folder}/pid", f"driftfile {folder}/drift",
        ]  # fmt: skip
        config.write_text("\n".join([*lines, *([f"local stratum {stratum}"] if stratum else []), ""]))
        config.chmod(0o644)
        argv = [str(find("chronyd") or "chronyd"), "-d", "-x", "-U", "-u", getpass.getuser(), "-f", str(config)]
        with running(argv, ready=lambda _: _answers(port)):
            yield port


def _answers(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.5)
        asking.connect(("127.0.0.1", port))
        with contextlib.suppress(OSError):
            asking.send(bytes([0x23]) + bytes(47))
            return len(asking.recv(100)) >= 48
    return False
