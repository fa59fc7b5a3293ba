"""Owns a real OpenSSH server on a free port of loopback, with keys, a password and a command line for the test.

Logins are the account that runs the tests; its password is one of the test's own, through Debian's pam_wrapper, so that
nothing of the machine's accounts is read or written. Every login is given one forced command: a scripted command line.
"""

import contextlib
import getpass
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from beket.testing.process import Program, free_tcp_port, output_of, port_answers, running
from beket.testing.programs import find

# All that gear of 2008 knows.
OLD_ALGORITHMS = (
    "KexAlgorithms diffie-hellman-group14-sha1,diffie-hellman-group1-sha1",
    "HostKeyAlgorithms ssh-rsa",
    "PubkeyAcceptedAlgorithms ssh-rsa",
    "Ciphers aes128-cbc,3des-cbc",
    "MACs hmac-sha1",
)
LETS_IN = "correct horse"
PAM_MODULES = "/usr/lib/*/pam_wrapper/pam_matrix.so"


@dataclass(frozen=True, slots=True)
class Sshd:
    """A running server.

    Attributes:
        login: the one account that may enter, and its `password`.
        host_key: file of the public host key; `fingerprint` is that key's.
        user_key: file of a private key that may enter too.
    """

    host: str
    port: int
    login: str
    password: str
    host_key: Path
    fingerprint: str
    user_key: Path
    program: Program

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"


def make_key(path: Path, *, kind: str = "ed25519") -> Path:
    """A new key pair without a passphrase; the private half is `path`."""
    size = ["-b", "2048"] if kind == "rsa" else []
    output_of("ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-C", "beket-test", "-f", path)
    return path


def fingerprint_of(key: Path) -> str:
    """As people read it to one another."""
    return output_of("ssh-keygen", "-l", "-f", key).split()[1]


def public_key(key: Path) -> tuple[str, str]:
    """The public half: its kind and its base64."""
    kind, blob, *_ = key.with_name(key.name + ".pub").read_text().split()
    return kind, blob


def gear_command(gear: str, folder: Path) -> str:
    """A forced command: the scripted command line of `gear`, whose state and doings are kept in `folder`."""
    program = Path(__file__).with_name("gear_shell_program.py")
    # Isolated and without site-packages: each login starts it anew.
    return f"{sys.executable} -I -S {program} {gear} {folder}"


@contextlib.contextmanager
def sshd(
    command: str,
    *,
    password: str = LETS_IN,
    extra_config: Sequence[str] = (),
    host_key: Path | None = None,
    port: int = 0,
) -> Iterator[Sshd]:
    """Run `sshd` until the block ends; every login runs `command`.

    Given the `port` and the `host_key` (a private key) of an earlier one, it is the same host after a restart.

    Raises:
        ProgramFailed: it did not start.
    """
    login, host, port = getpass.getuser(), "127.0.0.1", port or free_tcp_port()
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="beket-sshd-") as name:
        folder = Path(name)
        old = list(extra_config) == list(OLD_ALGORITHMS)
        key = host_key or make_key(folder / "host", kind="rsa" if old else "ed25519")
        user_key = make_key(folder / "user")
        (folder / "authorized").write_text((folder / "user.pub").read_text())
        lines = [
            f"ListenAddress {host}",
            f"Port {port}",
            f"HostKey {key}",
            "PidFile none",
            "StrictModes no",
            "UsePAM yes",
            "PermitRootLogin yes",
            "PasswordAuthentication yes",
            "KbdInteractiveAuthentication no",
            f"AuthorizedKeysFile {folder / 'authorized'}",
            "PrintMotd no",
            "PrintLastLog no",
            "LogLevel VERBOSE",
            "MaxStartups 100",
            f"ForceCommand {command}",
            # bash reads the home's .bashrc at each login; the home of whoever runs the tests may do anything there.
            f"SetEnv HOME={folder}",
            *extra_config,
        ]
        (folder / "configuration").write_text("\n".join(lines) + "\n")
        env = _own_passwords(folder, login, password)
        argv = [str(find("sshd") or "/usr/sbin/sshd"), "-D", "-e", "-f", str(folder / "configuration")]
        with running(argv, ready=port_answers(port), env=env) as program:
            yield Sshd(host, port, login, password, key, fingerprint_of(key), user_key, program)


def _own_passwords(folder: Path, login: str, password: str) -> dict[str, str]:
    """Environment in which PAM knows one account with one password."""
    module = next(iter(sorted(Path("/").glob(PAM_MODULES[1:]))))
    services = folder / "pam"
    services.mkdir()
    passwords = folder / "passwords"
    passwords.write_text(f"{login}:{password}:sshd\n")
    matrix = f"{module} passdb={passwords}"
    (services / "sshd").write_text(
        f"auth required {matrix}\naccount required {matrix}\npassword required pam_deny.so\n"
        "session required pam_permit.so\n"
    )
    return {"LD_PRELOAD": "libpam_wrapper.so", "PAM_WRAPPER": "1", "PAM_WRAPPER_SERVICE_DIR": str(services)}


def command_lines_with(words: str) -> list[str]:
    """Command lines and environments of all processes that may be read, and that hold `words`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        for part in ("cmdline", "environ"):
            with contextlib.suppress(OSError):
                text = (process / part).read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if words in text:
                    found.append(text[:300])
    return found


def hang_up_all(server: Sshd) -> None:
    """Cut every session as a power cut does, and go on serving."""
    for child in psutil.Process(server.program.process.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
