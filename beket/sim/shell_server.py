"""Owns the SSH server of simulated gear: one login, a command an answer. The server's side of paramiko's gate.

Real SSH on a loopback address, so that agents log in as they would anywhere. No shell, no forwarding, no files: what a
RouterOS answers without a terminal. A few sessions at a time; an accept thread and one thread a session.
"""

import contextlib
import hmac
import io
import logging
import socket
import threading
from collections.abc import Callable

import paramiko  # type: ignore[import-untyped]

from beket.kernel.errors import Busy
from beket.kernel.secrets import Secret
from beket.kernel.text import say
from beket.sim.shell_access import LOGIN

SESSIONS_MAX = 8
SESSION_WITHIN_S = 60.0
GREETS_WITHIN_S = 10.0
_LOG_CHANNEL = "beket.sim.paramiko"
logging.getLogger(_LOG_CHANNEL).setLevel(logging.CRITICAL + 1)


class ShellServer:
    """A device's SSH.

    Args:
        host_key: private, as OpenSSH writes it.
        answer: what the device prints to a command.
        is_awake: False while the device has no power: it then hangs up at once.
    """

    def __init__(
        self,
        *,
        password: Secret,
        host_key: Secret,
        answer: Callable[[str], str],
        is_awake: Callable[[], bool] = lambda: True,
    ) -> None:
        self._password = password
        self._host_key = paramiko.Ed25519Key.from_private_key(io.StringIO(host_key.reveal()))
        self._answer = answer
        self._is_awake = is_awake
        self._sessions = threading.BoundedSemaphore(SESSIONS_MAX)
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None

    def start(self, host: str, port: int) -> int:
        """Listen; the port (0 takes any).

        Raises:
            Busy: the address is taken.
        """
        try:
            self._listener = socket.create_server((host, port))
        except OSError as error:
            raise Busy(
                say("Адреси навчальних пристроїв зайняті.", "The addresses of the training gear are taken.")
            ) from error
        threading.Thread(target=self._accept, args=(self._listener,), name="sim-ssh", daemon=True).start()
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        """Go away; sessions are cut."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # closing alone does not wake who waits in `accept`
            self._listener.close()
        for connection in tuple(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # closed
            if not self._is_awake() or not self._sessions.acquire(blocking=False):
                connection.close()
                continue
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), name="sim-ssh-session", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        transport = None
        try:
            transport = paramiko.Transport(connection)
            transport.set_log_channel(_LOG_CHANNEL)
            transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = GREETS_WITHIN_S
            transport.add_server_key(self._host_key)
            transport.start_server(server=_Door(self._password, self._answer))
            transport.join(SESSION_WITHIN_S)
        except (paramiko.SSHException, OSError, EOFError):
            pass  # whoever it was has gone, or speaks no SSH
        finally:
            if transport is not None:
                transport.close()
            connection.close()
            self._open.discard(connection)
            self._sessions.release()


class _Door(paramiko.ServerInterface):  # type: ignore[misc]
    """Who may enter, and what each command gets."""

    def __init__(self, password: Secret, answer: Callable[[str], str]) -> None:
        self._password = password
        self._answer = answer

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_auth_password(self, username: str, told: str) -> int:
        knows = hmac.compare_digest(told.encode(), self._password.reveal().encode())
        return int(paramiko.AUTH_SUCCESSFUL if knows and username == LOGIN else paramiko.AUTH_FAILED)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        is_session = kind == "session"
        return int(paramiko.OPEN_SUCCEEDED if is_session else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED)

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        asked = command.decode(errors="replace")
        threading.Thread(target=self._print, args=(channel, asked), name="sim-ssh-command", daemon=True).start()
        return True

    def _print(self, channel: paramiko.Channel, asked: str) -> None:
        try:
            channel.settimeout(GREETS_WITHIN_S)
            # The answer to this comes after the word that the command was taken: a channel closed before that is
            # a refusal to the other side.
            channel.get_transport().global_request("keepalive@beket", wait=True)
            channel.sendall(self._answer(asked).replace("\n", "\r\n").encode())
            channel.send_exit_status(0)
        except (OSError, EOFError, paramiko.SSHException):
            pass  # it hung up before it had heard all
        finally:
            channel.close()
