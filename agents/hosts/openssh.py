"""The gate of OpenSSH's own client, for gear that knows only SHA-1: paramiko speaks that no longer.

The password goes through a pipe in a private folder, by way of a script that `ssh` asks; it is in no argument, no
environment and no file. The host key is checked as everywhere: `ssh` refuses any other than the one we write down for
it. Blocking. Note: agents/hosts/design/0039-ssh.md.
"""

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from agents.hosts.host_keys import HostKey
from agents.hosts.link import (
    CHUNK_BYTES,
    Channel,
    CheckKey,
    Target,
    login_refused,
    no_answer,
    no_way,
    not_understood,
    was_cut,
)
from beket.kernel.errors import BeketError, NotFound, TimedOut
from beket.kernel.text import say

PROGRAM = "ssh"
ERRORS_KEPT_BYTES = 4096
OWN_FAILURE_CODE = 255
ENDS_WITHIN_S = 2.0
# The name under which the host key is written down for `ssh`; no device can be called so.
_ALIAS = "beket.device"
_WEAK = (
    "KexAlgorithms=+diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1,diffie-hellman-group1-sha1",
    "HostKeyAlgorithms=+ssh-rsa",
    "PubkeyAcceptedAlgorithms=+ssh-rsa",
    "Ciphers=+aes128-cbc,aes192-cbc,aes256-cbc,3des-cbc",
    "MACs=+hmac-sha1,hmac-sha1-96,hmac-md5",
)
_ASK = '#!/bin/sh\nIFS= read -r answer < "${0%/*}/answer"\nprintf "%s\\n" "$answer"\n'
_REFUSALS = ("permission denied", "too many authentication failures")


class WeakLink:
    """See `agents.hosts.link.Link`: each channel is one `ssh`."""

    is_weak = True

    def __init__(self, target: Target, program: str, folder: Path) -> None:
        self._target = target
        self._program = program
        self._folder = folder
        self._channels: list[ProgramChannel] = []

    def execute(self, command: str) -> Channel:
        """See `Link.execute`."""
        return self._start("-T", command)

    def shell(self) -> Channel:
        """See `Link.shell`."""
        return self._start("-tt")

    def close(self) -> None:
        """See `Link.close`."""
        for channel in self._channels:
            channel.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, terminal: str, *command: str) -> "ProgramChannel":
        target = self._target
        methods = ["publickey"] if target.is_key else ["password", "keyboard-interactive"]
        options = [
            "StrictHostKeyChecking=yes",
            f"PreferredAuthentications={','.join(methods)}",
            "NumberOfPasswordPrompts=1",
            f"IdentityFile={self._folder / 'key' if target.is_key else 'none'}",
        ]
        channel = ProgramChannel(
            target, _arguments(self._program, target, self._folder, options, terminal, *command), self._folder
        )
        self._channels.append(channel)
        return channel


class ProgramChannel:
    """See `agents.hosts.link.Channel`."""

    def __init__(self, target: Target, arguments: list[str], folder: Path) -> None:
        self._target = target
        self._errors = bytearray()
        self._answer = None if target.is_key else _offer(folder / "answer", target)
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C.UTF-8",
            "TERM": "vt100",
            "SSH_ASKPASS": str(folder / "ask"),
            "SSH_ASKPASS_REQUIRE": "force",
        }
        self._process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        self._selector = selectors.DefaultSelector()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
                self._selector.register(stream, selectors.EVENT_READ)

    def send(self, data: bytes) -> None:
        """See `Channel.send`."""
        if self._process.stdin is None:
            return
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise self._why() from error

    def receive(self, within_s: float) -> bytes:
        """See `Channel.receive`."""
        while self._selector.get_map():
            events = self._selector.select(within_s)
            if not events:
                raise TimedOut("nothing came", subject=self._target.device)
            for key, _ in events:
                data = os.read(key.fd, CHUNK_BYTES)
                if not data:
                    self._selector.unregister(key.fileobj)
                elif key.fileobj is self._process.stdout:
                    return data
                else:  # what the device writes there, and what `ssh` itself complains of
                    self._errors += data[: ERRORS_KEPT_BYTES - len(self._errors)]
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._process.wait(ENDS_WITHIN_S) == OWN_FAILURE_CODE:
                raise self._why()
        return b""

    def close(self) -> None:
        """See `Channel.close`."""
        if self._answer is not None:
            os.close(self._answer)
            self._answer = None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._selector.close()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _why(self) -> BeketError:
        return _failure(self._target, self._errors.decode(errors="replace"))


def connect(target: Target, check_key: CheckKey, *, known: HostKey | None = None) -> WeakLink:
    """Look at the host key, check it, and be ready to log in with it alone.

    Raises:
        NotFound: OpenSSH's client is not installed.
        Unreachable, TimedOut, ProtocolError: there is no SSH server, or none that this client understands either.
        Unauthenticated: by `check_key`. A login that is refused shows with the first channel.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise NotFound(
            say("Програми ssh немає.", "There is no ssh program."),
            hint=say("Встановіть її: apt install openssh-client", "Install it: apt install openssh-client"),
        )
    folder = Path(tempfile.mkdtemp(prefix="beket-ssh-"))
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        key = _look_at_key(program, target, folder, known)
        check_key(key)
        _write(folder / "known", f"{_ALIAS} {key.kind} {key.blob}\n", 0o600)
        if target.is_key:
            _write(folder / "key", target.secret.reveal() + "\n", 0o600)
        else:
            _write(folder / "ask", _ASK, 0o700)
            os.mkfifo(folder / "answer", 0o600)
        undo.pop_all()
    return WeakLink(target, program, folder)


def _look_at_key(program: str, target: Target, folder: Path, known: HostKey | None) -> HostKey:
    """The host key that the device proves to hold; no login is tried."""
    options = ["StrictHostKeyChecking=accept-new", "PreferredAuthentications=none", "BatchMode=yes"]
    if known is not None and known.kind == "ssh-rsa":
        options.append("HostKeyAlgorithms=rsa-sha2-512,rsa-sha2-256,ssh-rsa")
    arguments = _arguments(program, target, folder, options, "-T", "exit")
    try:
        looked = subprocess.run(
            arguments,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=2 * target.timeout_s,
            check=False,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise no_answer(target) from None
    try:
        words = (folder / "known").read_text().split()
    except FileNotFoundError:
        words = []
    (folder / "known").unlink(missing_ok=True)
    if len(words) < 3:
        raise _failure(target, looked.stderr[-ERRORS_KEPT_BYTES:].decode(errors="replace"))
    return HostKey(words[1], words[2])


def _arguments(
    program: str, target: Target, folder: Path, options: list[str], terminal: str, *command: str
) -> list[str]:
    everywhere = [
        f"UserKnownHostsFile={folder / 'known'}",
        "GlobalKnownHostsFile=/dev/null",
        f"HostKeyAlias={_ALIAS}",
        "HashKnownHosts=no",
        "UpdateHostKeys=no",
        "CheckHostIP=no",
        "IdentitiesOnly=yes",
        "ClearAllForwardings=yes",
        "ControlPath=none",
        "LogLevel=ERROR",
        "EscapeChar=none",
        f"ConnectTimeout={max(1, round(target.timeout_s))}",
        # The first word for an option stands: what a caller sets comes before.
        *_WEAK,
    ]
    words = [word for option in (*options, *everywhere) for word in ("-o", option)]
    return [
        program,
        "-F",
        "none",
        *words,
        "-p",
        str(target.port),
        "-l",
        target.login,
        terminal,
        "--",
        target.host,
        *command,
    ]


def _offer(pipe: Path, target: Target) -> int:
    """Lay the password into the pipe, where the script finds it; held open, or it would be gone with the writer."""
    held = os.open(pipe, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    os.write(held, target.secret.reveal().encode() + b"\n")
    return held


def _write(path: Path, text: str, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _failure(target: Target, words: str) -> BeketError:
    """What `ssh` complained of, as ours."""
    said = words.lower()
    if any(refusal in said for refusal in _REFUSALS):
        return login_refused(target)
    if "timed out" in said:
        return no_answer(target)
    for reason in ("connection refused", "no route to host", "could not resolve", "network is unreachable"):
        if reason in said:
            return no_way(target, reason)
    if "closed by remote" in said or "connection reset" in said or "connection closed" in said or "broken pipe" in said:
        return was_cut(target.device)
    last = words.strip().splitlines()[-1:] or ["ssh"]
    return not_understood(target, last[0])
