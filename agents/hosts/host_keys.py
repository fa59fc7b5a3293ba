"""Owns which host key each device is known by. Nothing is believed at first sight, and no changed key gets a login.

A key is given in the settings (`SHA256:…`, as every SSH program prints it) or approved by a person once it was seen. A
file a device, so that approving by hand and the agent at work never write the same one. Blocking.
"""

import base64
import binascii
import hashlib
from pathlib import Path

import msgspec

from beket.kernel.durable_file import put_file
from beket.kernel.errors import InvalidConfig, NotFound, Unauthenticated
from beket.kernel.ids import DeviceId, check_slug
from beket.kernel.text import say

KEY_MAX_CHARS = 8192


class HostKey(msgspec.Struct, frozen=True):
    """A host key as a line of `known_hosts` spells it.

    Attributes:
        kind: `ssh-ed25519`, `ssh-rsa`…
        blob: base64.
    """

    kind: str
    blob: str

    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it.

        Raises:
            InvalidConfig: the blob is no base64: somebody edited the file.
        """
        try:
            digest = hashlib.sha256(base64.b64decode(self.blob, validate=True)).digest()
        except binascii.Error as error:
            raise InvalidConfig(say("Це не ключ SSH.", "This is no SSH key.")) from error
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


class KnownKeys(msgspec.Struct, frozen=True):
    """What is remembered of one device.

    Attributes:
        approved: the key it is known by; None before the first approval.
        offered: the key it showed last, if that is another one.
        offered_ns: when.
    """

    approved: HostKey | None = None
    offered: HostKey | None = None
    offered_ns: int = 0


class UnknownHostKey(Unauthenticated):
    """Nobody has approved the key that the device shows."""


class ChangedHostKey(Unauthenticated):
    """The device shows another key than the one it is known by."""


class HostKeys:
    """The keys of a site's devices, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, device: DeviceId) -> KnownKeys:
        """What is remembered of `device`.

        Raises:
            InvalidConfig: its file is damaged.
        """
        path = self._path(device)
        try:
            return msgspec.json.decode(path.read_bytes(), type=KnownKeys)
        except FileNotFoundError:
            return KnownKeys()
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InvalidConfig(
                say("Файл із ключем пристрою пошкоджено.", "The file with the device's key is damaged."),
                subject=str(path),
                hint=say("Видаліть його й схваліть ключ знову.", "Delete it and approve the key again."),
            ) from error

    def check(self, device: DeviceId, key: HostKey, *, given: str = "", wall_ns: int) -> None:
        """Return if `key` is the device's; what is not is remembered as offered.

        `given` is a fingerprint from the settings: it outweighs what was approved before.

        Raises:
            UnknownHostKey: nobody has approved any key yet.
            ChangedHostKey: it is another key than the approved or given one.
        """
        known = self.of(device)
        shown = key.fingerprint()
        if given:
            if shown == given:
                if known.approved != key:
                    self._keep(device, KnownKeys(approved=key))
                return
            self._keep(device, KnownKeys(known.approved, key, wall_ns))
            raise _changed(device, expected=given, shown=shown)
        if known.approved == key:
            return
        self._keep(device, KnownKeys(known.approved, key, wall_ns))
        if known.approved is None:
            raise _unknown(device, shown)
        raise _changed(device, expected=known.approved.fingerprint(), shown=shown)

    def approve(self, device: DeviceId, fingerprint: str) -> HostKey:
        """From now on the device is known by the key it showed last, whose fingerprint a person compared.

        Raises:
            NotFound: it has shown no key with that fingerprint.
        """
        known = self.of(device)
        if known.offered is None or known.offered.fingerprint() != fingerprint:
            raise NotFound(
                say("Пристрій не показував такого ключа.", "The device has shown no such key."), subject=device
            )
        self._keep(device, KnownKeys(approved=known.offered))
        return known.offered

    def know(self, device: DeviceId, key: HostKey) -> None:
        """From now on the device is known by `key`, which came on a safe way."""
        self._keep(device, KnownKeys(approved=key))

    def _keep(self, device: DeviceId, known: KnownKeys) -> None:
        put_file(self._path(device), msgspec.json.encode(known))

    def _path(self, device: DeviceId) -> Path:
        return self._folder / f"{check_slug(device, place='device')}.json"


def _unknown(device: DeviceId, shown: str) -> UnknownHostKey:
    return UnknownHostKey(
        say(
            "Ключ пристрою ще ніхто не схвалив: {shown}. Вхід не виконано.",
            "Nobody has approved the device's key yet: {shown}. No login was tried.",
            shown=shown,
        ),
        subject=device,
        hint=say(
            "Звірте його з самим пристроєм і схваліть: beket backup configs approve {device} {shown}",
            "Compare it at the device itself and approve it: beket backup configs approve {device} {shown}",
            device=device,
            shown=shown,
        ),
    )


def _changed(device: DeviceId, *, expected: str, shown: str) -> ChangedHostKey:
    return ChangedHostKey(
        say(
            "Пристрій показує інший ключ ({shown}), ніж той, за яким його знають ({expected}). Вхід не виконано.",
            "The device shows another key ({shown}) than the one it is known by ({expected}). No login was tried.",
            shown=shown,
            expected=expected,
        ),
        subject=device,
        hint=say(
            "Якщо пристрій замінили або скинули, схваліть новий ключ; якщо ні — хтось стоїть між вами й пристроєм.",
            "If it was replaced or reset, approve the new key; if not, somebody stands between you and the device.",
        ),
    )
