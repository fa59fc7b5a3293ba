"""Owns how a session with a device is opened: the safe client first, the old one only where nothing else speaks.

Fills `kernel.ports.Shells`. Blocking; a session is for one thread, several may be open at once.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from agents.hosts import openssh, ssh
from agents.hosts.conversation import Conversation
from agents.hosts.families import Family, Manner
from agents.hosts.host_keys import HostKey, HostKeys
from agents.hosts.link import Link, OnlyWeak, Target
from agents.hosts.screen import Screen
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import NotFound, ProtocolError, TimedOut
from beket.kernel.ids import DeviceId
from beket.kernel.ports import ShellSession
from beket.kernel.secrets import Secret, SecretStore
from beket.kernel.text import say

COMMAND_WITHIN_S = 60.0
ANSWER_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Gear:
    """How to log in at one device.

    Attributes:
        secret: name of the secret with the password or the private key; `enable_secret` that of the privileged level.
        host_key: fingerprint given by hand, "" when the key is approved once it was seen.
    """

    device: DeviceId
    family: str
    host: str
    port: int
    login: str
    secret: str
    enable_secret: str = ""
    host_key: str = ""
    may_be_weak: bool = True
    timeout_s: float = 20.0


class SshShells:
    """Opens command lines of the gear that is listed."""

    def __init__(
        self,
        gear: Mapping[DeviceId, Gear],
        *,
        families: Mapping[str, Family],
        keys: HostKeys,
        secrets: SecretStore,
        clock: Clock,
    ) -> None:
        self._gear = gear
        self._families = families
        self._keys = keys
        self._secrets = secrets
        self._clock = clock

    @contextlib.contextmanager
    def open(self, device: DeviceId) -> Iterator[ShellSession]:
        """See `Shells.open`."""
        gear = self._gear.get(device)
        if gear is None or gear.family not in self._families:
            raise NotFound(
                say("Невідомо, як зайти на цей пристрій.", "How to log in there is not known."),
                subject=device,
                hint=say(
                    "Впишіть його командний рядок у перелік майна або в [[hosts.gear]].",
                    "Write its command line into the inventory, or into [[hosts.gear]].",
                ),
            )
        manner = self._families[gear.family].shell
        link = self._connect(gear)
        try:
            if manner.mode == "exec":
                yield _Commands(link, device, self._clock)
            else:
                yield from self._talk(link, gear, manner)
        finally:
            link.close()

    def _talk(self, link: Link, gear: Gear, manner: Manner) -> Iterator[ShellSession]:
        enable_secret = self._secrets.get(gear.enable_secret) if gear.enable_secret else None
        channel = link.shell()
        try:
            conversation = Conversation(channel, manner, device=gear.device, clock=self._clock)
            conversation.begin(within_s=gear.timeout_s, enable_secret=enable_secret)
            yield _Shell(conversation, is_weak=link.is_weak)
            conversation.end()
        finally:
            channel.close()

    def _connect(self, gear: Gear) -> Link:
        secret: Secret = self._secrets.get(gear.secret)
        target = Target(gear.device, gear.host, gear.port, gear.login, secret, gear.timeout_s)
        known = self._keys.of(gear.device).approved
        check: Callable[[HostKey], None] = functools.partial(
            self._keys.check, gear.device, given=gear.host_key, wall_ns=self._clock.wall_ns()
        )
        try:
            return ssh.connect(target, check, known=known)
        except OnlyWeak:
            if not gear.may_be_weak:
                raise
        return openssh.connect(target, check, known=known)


class _Shell:
    """A `ShellSession` over an interactive shell."""

    def __init__(self, conversation: Conversation, *, is_weak: bool) -> None:
        self._conversation = conversation
        self.is_weak = is_weak

    def run(self, command: str, *, within_s: float = COMMAND_WITHIN_S, max_bytes: int = ANSWER_MAX_BYTES) -> str:
        """See `ShellSession.run`."""
        return self._conversation.run(command, within_s=within_s, max_bytes=max_bytes)


class _Commands:
    """A `ShellSession` that runs each command in a channel of its own."""

    def __init__(self, link: Link, device: DeviceId, clock: Clock) -> None:
        self._link = link
        self._device = device
        self._clock = clock
        self.is_weak = link.is_weak

    def run(self, command: str, *, within_s: float = COMMAND_WITHIN_S, max_bytes: int = ANSWER_MAX_BYTES) -> str:
        """See `ShellSession.run`."""
        screen = Screen()
        deadline_ns = self._clock.mono_ns() + int(within_s * NS_PER_S)
        channel = self._link.execute(command)
        try:
            while True:
                left_s = (deadline_ns - self._clock.mono_ns()) / NS_PER_S
                if left_s <= 0:
                    raise self._too_late()
                try:
                    data = channel.receive(left_s)
                except TimedOut:
                    raise self._too_late() from None
                if not data:
                    break
                screen.feed(data)
                if screen.received_bytes > max_bytes:
                    raise ProtocolError(
                        say("Відповідь пристрою задовга.", "The device's answer is too long."), subject=self._device
                    )
        finally:
            channel.close()
        screen.finish()
        return screen.text()

    def _too_late(self) -> TimedOut:
        return TimedOut(
            say("Пристрій не закінчив відповіді вчасно.", "The device did not end its answer in time."),
            subject=self._device,
        )
