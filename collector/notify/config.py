"""Owns the centre's `[mail]` section."""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from beket.kernel.errors import InvalidConfig
from beket.kernel.text import say

Security = Literal["starttls", "tls", "plain"]


class MailConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Листи про тривоги; без host листів немає, тривоги видно лише на сторінках."""

    host: Annotated[str, Meta(description="Поштовий сервер; порожньо — листів не надсилати.")] = ""
    port: Annotated[int, Meta(ge=1, le=65535, description="Порт: 587 для starttls, 465 для tls.")] = 587
    security: Annotated[Security, Meta(description="starttls, tls або plain (лише до цієї ж машини).")] = "starttls"
    login: Annotated[str, Meta(description="Ім'я для входу на сервер; порожньо — без входу.")] = ""
    password_file: Annotated[Path | None, Meta(description="Файл із паролем, chmod 600.")] = None
    sender: Annotated[str, Meta(description="Від кого: beket@hromada.gov.ua.")] = ""
    recipients: Annotated[tuple[str, ...], Meta(description="Кому надсилати: адреси в лапках через кому.")] = ()
    timeout_s: Annotated[float, Meta(ge=1, le=120, description="Чекати на відповідь сервера стільки секунд.")] = 20.0
    give_up_after_h: Annotated[
        int, Meta(ge=1, le=720, description="Скільки годин намагатися доставити лист, який сервер відкладає.")
    ] = 72

    def __post_init__(self) -> None:
        for address in (*self.recipients, *((self.sender,) if self.sender else ())):
            if not _is_address(address):
                raise InvalidConfig(
                    say("«{a}» — не адреса пошти.", "“{a}” is not an e-mail address.", a=address[:80]),
                    hint=say("Напишіть так: it@hromada.gov.ua", "Write it like it@hromada.gov.ua"),
                )
        if self.host and not self.sender:
            raise InvalidConfig(say("вкажіть sender.", "sender is needed."))
        if self.login and self.password_file is None:
            raise InvalidConfig(say("для login потрібен password_file.", "login needs password_file."))
        if self.host and self.security == "plain" and not is_loopback(self.host):
            raise InvalidConfig(
                say("plain — лише для сервера на цій же машині.", "plain is for a server on this machine only."),
                hint=say("Поставте starttls або tls.", "Use starttls or tls."),
            )


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine by its very name."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(text: str) -> bool:
    local, at, domain = text.rpartition("@")
    return bool(local and at and domain) and text.isascii() and text.isprintable() and not set(text) & set(' <>,;"')
