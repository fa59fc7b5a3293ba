"""Owns the agent's `[hosts]` section with its `[[hosts.gear]]`: which gear we log in to, and as whom."""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from beket.kernel.errors import InvalidConfig
from beket.kernel.ids import check_slug, is_slug
from beket.kernel.text import say

SSH_PORT = 22
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9._-]*)(?::(\d{1,5}))?")
_LOGIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@-]{0,63}")
_FINGERPRINT = re.compile(r"(?:SHA256:[A-Za-z0-9+/]{43})?")


class GearConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Один пристрій, на який Бекет заходить по SSH лише читати; сказане тут важить більше, ніж перелік майна."""

    device: Annotated[str, Meta(description="Код пристрою з переліку майна.")]
    family: Annotated[str, Meta(description="Сімейство: mikrotik, cisco-ios, dlink, tp-link, linux…")]
    address: Annotated[str, Meta(description="Адреса або назва, з :портом, якщо він не 22.")]
    login: Annotated[str, Meta(description="Обліковий запис із правом лише читати.")]
    secret: Annotated[str, Meta(description="Назва секрету з паролем або приватним ключем.")]
    enable_secret: Annotated[str, Meta(description="Назва секрету привілейованого режиму, де він потрібен.")] = ""
    host_key: Annotated[
        str, Meta(description="Відбиток ключа пристрою (SHA256:…); без нього ключ схвалюють, коли його побачено.")
    ] = ""
    weak_allowed: Annotated[bool, Meta(description="Чи заходити, якщо пристрій знає лише застаріле шифрування.")] = True

    def __post_init__(self) -> None:
        check_slug(self.device, place="device")
        for place, secret in (("secret", self.secret), ("enable_secret", self.enable_secret or "none")):
            if not is_slug(secret):
                raise InvalidConfig(say("{place}: це не назва секрету.", "{place}: no name of a secret.", place=place))
        if not _LOGIN.fullmatch(self.login):
            raise InvalidConfig(say("login: так не називають запис.", "login: this is no account."))
        if not _FINGERPRINT.fullmatch(self.host_key):
            raise InvalidConfig(say("host_key: потрібно SHA256:…", "host_key: must be SHA256:…"))
        parse_ssh_address(self.address)


class HostsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Пристрої, на які Бекет заходить по SSH понад ті, що мають командний рядок у переліку майна; інші не чіпає."""

    timeout_s: Annotated[float, Meta(ge=1, le=120, description="Чекати на кожен крок входу стільки секунд.")] = 20
    facts_every_s: Annotated[
        float, Meta(ge=1, le=86_400, description="Питати факти (завантаження, пам'ять, порти) раз на стільки секунд.")
    ] = 300
    gear: Annotated[tuple[GearConfig, ...], Meta(description="Пристрої.")] = ()

    def __post_init__(self) -> None:
        devices = [gear.device for gear in self.gear]
        twice = sorted({one for one in devices if devices.count(one) > 1})
        if twice:
            raise InvalidConfig(say("Пристрій «{id}» названо двічі.", "The device “{id}” is named twice.", id=twice[0]))


def parse_ssh_address(address: str) -> tuple[str, int]:
    """Host and port.

    Example:
        >>> parse_ssh_address("10.0.0.2"), parse_ssh_address("sw1:2222"), parse_ssh_address("[fd00::1]:22")
        (('10.0.0.2', 22), ('sw1', 2222), ('fd00::1', 22))

    Raises:
        InvalidConfig: it is none.
    """
    match = _ADDRESS.fullmatch(address)
    port = int(match[2] or SSH_PORT) if match else 0
    if match is None or not 0 < port < 65536:
        raise InvalidConfig(say("address: потрібно адреса або адреса:порт.", "address: host or host:port is needed."))
    return match[1].strip("[]"), port
