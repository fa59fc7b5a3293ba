"""Owns where the recordings of gear are that tests ask, and a real snmpsim that plays them.

Recordings of real devices come with the package `snmpsim-data` (BSD-2), packed; what no recording exists for is written
by hand in `tests/fixtures/gear`, and says so. Big ones are better asked in memory: snmpsim indexes each line first.
"""

import bz2
import contextlib
import importlib.resources
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from beket.sim import snmp_ber as ber
from beket.testing.process import free_udp_port, running
from beket.testing.source_tree import PROJECT

BY_HAND = PROJECT / "tests/fixtures/gear"
START_WITHIN_S = 90
# It names pysmi's version and needs nothing else of it; the lock leaves pysmi out, see pyproject.toml.
_START = """
import sys, types
sys.modules["pysmi"] = types.SimpleNamespace(__version__="none")
from snmpsim.commands.responder import main
main()
"""


def recording(name: str) -> Path:
    """The recording `name`: of a real device ("UPS/phoenixtec-power"), or one of those written by hand ("mikrotik").

    Raises:
        FileNotFoundError: there is none.
    """
    played = Path(str(importlib.resources.files("snmpsim_data"))) / "data"
    for path in (played / f"{name}.snmprec.bz2", played / f"{name}.snmprec", BY_HAND / f"{name}.snmprec"):
        if path.is_file():
            return path
    raise FileNotFoundError(f"there is no recording {name}")


@contextlib.contextmanager
def snmpsim(recordings: Mapping[str, Path]) -> Iterator[str]:
    """Play each of `recordings` to its community name until the block ends; give the address, `host:port`.

    Raises:
        ProgramFailed: it did not start.
    """
    port = free_udp_port()
    with tempfile.TemporaryDirectory(prefix="beket-snmpsim-") as folder:
        data, cache = Path(folder) / "data", Path(folder) / "cache"
        data.mkdir()
        cache.mkdir()
        for community, path in recordings.items():
            _unpack(path, data / f"{community}.snmprec")
        argv = [
            sys.executable,
            "-c",
            _START,
            f"--data-dir={data}",
            f"--cache-dir={cache}",
            f"--agent-udpv4-endpoint=127.0.0.1:{port}",
        ]
        if os.geteuid() == 0:
            # It will not run as root unless told; another user could not read a Python under /root.
            argv += ["--process-user=root", "--process-group=root"]
        # What it prints comes before it listens, so it is asked.
        question = _question(next(iter(recordings)))
        with running(argv, ready=lambda _program: _answers(port, question), within_s=START_WITHIN_S):
            yield f"127.0.0.1:{port}"


def _question(community: str) -> bytes:
    name = b"\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00\x05\x00"  # sysDescr.0
    numbers = b"\x02\x04\x40\x00\x00\x01\x02\x01\x00\x02\x01\x00"
    pdu = ber.wrap(ber.Pdu.GET, numbers + ber.wrap(ber.SEQUENCE, name))
    return ber.wrap(ber.SEQUENCE, b"\x02\x01\x01" + ber.wrap(ber.OCTET_STRING, community.encode()) + pdu)


def _answers(port: int, question: bytes) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.5)
        try:
            sock.connect(("127.0.0.1", port))
            sock.send(question)
            return bool(sock.recv(2048))
        except OSError:
            return False


def _unpack(path: Path, target: Path) -> None:
    with bz2.open(path) if path.suffix == ".bz2" else path.open("rb") as source, target.open("wb") as file:
        if path.parent == BY_HAND:
            file.writelines(line for line in source if not line.startswith(b"#"))
        else:
            shutil.copyfileobj(source, file)
