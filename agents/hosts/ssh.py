"""The gate of paramiko: a connection to a device whose host key is checked before any login.

Blocking. Only what the device is asked for: no agent, no keys lying about, no forwarding. A device that speaks nothing
but SHA-1 is `OnlyWeak`; `agents.hosts.openssh` takes it. Note: agents/hosts/design/0039-ssh.md.
"""

import contextlib
import io
import logging
import socket
from collections.abc import Iterator

import paramiko  # type: ignore[import-untyped]

from agents.hosts.host_keys import HostKey
from agents.hosts.link import (
    CHUNK_BYTES,
    TERMINAL_COLUMNS,
    TERMINAL_ROWS,
    Channel,
    CheckKey,
    OnlyWeak,
    Target,
    login_refused,
    no_answer,
    no_way,
    not_understood,
    was_cut,
)
from beket.kernel.errors import BeketError, InvalidConfig, TimedOut
from beket.kernel.text import say

# Its own lines would repeat, with a trace, what we raise.
_LOG_CHANNEL = "agents.hosts.paramiko"
logging.getLogger(_LOG_CHANNEL).setLevel(logging.CRITICAL + 1)

_NO_GREETING = "Error reading SSH protocol banner"
_NO_STATUS = -1
_KEY_TYPES = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


def connect(target: Target, check_key: CheckKey, *, known: HostKey | None = None) -> "ParamikoLink":
    """Connect, check the host key, log in.

    `known` is the key that the device is known by: of several it has, it is asked for that one.

    Raises:
        Unreachable, TimedOut: nobody answers.
        OnlyWeak: it knows nothing that counts as safe.
        Unauthenticated: by `check_key`, or the login is refused.
        InvalidConfig: the secret is a private key that cannot be read.
        ProtocolError: it is no SSH server.
    """
    transport = _open(target)
    with contextlib.ExitStack() as undo:
        undo.callback(transport.close)
        with _mapped(target):
            _prefer(transport, known)
            transport.start_client(timeout=target.timeout_s)
            key = _host_key(transport, target)
        check_key(HostKey(key.get_name(), key.get_base64()))
        with _mapped(target):
            _log_in(transport, target)
        if not transport.is_authenticated():
            raise login_refused(target)
        undo.pop_all()
    return ParamikoLink(transport, target)


class ParamikoLink:
    """See `agents.hosts.link.Link`."""

    is_weak = False

    def __init__(self, transport: paramiko.Transport, target: Target) -> None:
        self._transport = transport
        self._target = target

    def execute(self, command: str) -> Channel:
        """See `Link.execute`."""
        with _mapped(self._target):
            channel = self._transport.open_session(timeout=self._target.timeout_s)
            channel.set_combine_stderr(True)
            channel.exec_command(command.encode())
        return ParamikoChannel(channel, self._target)

    def shell(self) -> Channel:
        """See `Link.shell`."""
        with _mapped(self._target):
            channel = self._transport.open_session(timeout=self._target.timeout_s)
            channel.get_pty(term="vt100", width=TERMINAL_COLUMNS, height=TERMINAL_ROWS)
            channel.invoke_shell()
        return ParamikoChannel(channel, self._target)

    def close(self) -> None:
        """See `Link.close`."""
        self._transport.close()


class ParamikoChannel:
    """See `agents.hosts.link.Channel`."""

    def __init__(self, channel: paramiko.Channel, target: Target) -> None:
        self._channel = channel
        self._target = target

    def send(self, data: bytes) -> None:
        """See `Channel.send`."""
        self._channel.settimeout(self._target.timeout_s)
        try:
            self._channel.sendall(data)
        except TimeoutError:
            raise no_answer(self._target) from None
        except (OSError, EOFError) as error:
            raise was_cut(self._target.device) from error

    def receive(self, within_s: float) -> bytes:
        """See `Channel.receive`."""
        self._channel.settimeout(max(within_s, 0.001))  # 0 would mean: do not wait at all, and fail otherwise
        try:
            data = bytes(self._channel.recv(CHUNK_BYTES))
        except TimeoutError:
            raise TimedOut("nothing came", subject=self._target.device) from None
        except (OSError, EOFError) as error:
            raise was_cut(self._target.device) from error
        # Nothing more comes either way; only the device can say that this was the end.
        if not data and not self._channel.eof_received and self._channel.exit_status == _NO_STATUS:
            raise was_cut(self._target.device)
        return data

    def close(self) -> None:
        """See `Channel.close`."""
        self._channel.close()


def _open(target: Target) -> paramiko.Transport:
    try:
        connection = socket.create_connection((target.host, target.port), timeout=target.timeout_s)
    except TimeoutError:
        raise no_answer(target) from None
    except (OSError, UnicodeError) as error:
        raise no_way(target, getattr(error, "strerror", None) or str(error)) from error
    try:
        transport = paramiko.Transport(connection)
    except (paramiko.SSHException, OSError) as error:
        connection.close()
        raise not_understood(target, str(error)) from error
    transport.set_log_channel(_LOG_CHANNEL)
    transport.banner_timeout = 2 * target.timeout_s  # `start_client` gives up first, and we can tell late from wrong
    transport.handshake_timeout = target.timeout_s
    transport.auth_timeout = target.timeout_s
    transport.daemon = True
    return transport


def _prefer(transport: paramiko.Transport, known: HostKey | None) -> None:
    if known is None:
        return
    options = transport.get_security_options()
    wanted = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}.get(known.kind, (known.kind,))
    options.key_types = sorted(options.key_types, key=lambda kind: kind not in wanted)


def _host_key(transport: paramiko.Transport, target: Target) -> paramiko.PKey:
    try:
        return transport.get_remote_server_key()
    except paramiko.SSHException:  # `start_client` ended without a word: its time was over
        raise no_answer(target) from None


def _log_in(transport: paramiko.Transport, target: Target) -> None:
    if target.is_key:
        transport.auth_publickey(target.login, _private_key(target))
    else:
        transport.auth_password(target.login, target.secret.reveal())


def _private_key(target: Target) -> paramiko.PKey:
    for key_type in _KEY_TYPES:
        with contextlib.suppress(paramiko.SSHException, ValueError, IndexError):
            return key_type.from_private_key(io.StringIO(target.secret.reveal() + "\n"))
    # Without a cause: it could quote the key.
    raise InvalidConfig(
        say("Приватний ключ не читається або має пароль.", "The private key cannot be read, or has a passphrase."),
        subject=target.device,
    )


@contextlib.contextmanager
def _mapped(target: Target) -> Iterator[None]:
    """Paramiko's errors leave as ours."""
    try:
        yield
    except paramiko.ssh_exception.IncompatiblePeer as error:
        raise OnlyWeak(
            say("Пристрій знає лише застаріле шифрування.", "The device knows only outdated cryptography."),
            subject=target.device,
        ) from error
    except paramiko.AuthenticationException as error:
        raise login_refused(target) from error
    except TimeoutError:
        raise no_answer(target) from None
    except paramiko.SSHException as error:
        raise _ours(target, error) from error
    except (OSError, EOFError) as error:
        raise was_cut(target.device) from error


def _ours(target: Target, error: paramiko.SSHException) -> BeketError:
    words = str(error)
    if "timeout" in words.lower() or "timed out" in words.lower():
        return no_answer(target)
    # It hung up instead of greeting: all its sessions are taken, or its power went.
    if words.startswith(_NO_GREETING) and isinstance(error.__context__, (EOFError, OSError)):
        return was_cut(target.device)
    return not_understood(target, words)
