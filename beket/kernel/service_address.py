"""Owns how the address of a declared service is written: one URL, whose scheme says how the service is asked.

    ping://10.20.1.1                          does it answer, how much is lost, how steady is it
    tcp://10.20.1.5:1433                      does the port accept connections
    http://… https://rada.example.ua/page     does the page open; of https also the certificate
    tls://mail.example.ua:993                 the certificate alone
    dns://10.20.1.1/rada.example.ua?type=A    does this server know that name (RFC 4501)
    ntp://10.20.1.1                           does it tell the time, and how far is it from ours
    rtsp://10.20.1.11/main                    does the stream exist (OPTIONS and DESCRIBE)
    whois://whois.ua/rada.example.ua          until when is the domain paid
    rdap://rdap.example/domain/example.org    the same from a registry that speaks RDAP over HTTPS
    mail://smtp.example.ua:25/robot@example.ua?imap=imap.example.ua:993    does a letter come through

Read by the centre, which checks what people write, and by agents, who ask. Pure.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qsl, unquote

from beket.kernel.errors import InvalidArgument
from beket.kernel.text import Text, say

ADDRESS_MAX_CHARS = 500
HOST_MAX_CHARS = 253
_URL = re.compile(r"([a-z]+)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?(/[^?#\s]*)?(?:\?([^#\s]*))?")
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?")
_MAILBOX = re.compile(r"[A-Za-z0-9.+_-]{1,64}@[A-Za-z0-9.-]{1,253}")
_PLACE = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})")


class ServiceKind(StrEnum):
    """How a service is asked; the scheme of its address."""

    PING = "ping"
    TCP = "tcp"
    HTTP = "http"
    HTTPS = "https"
    TLS = "tls"
    DNS = "dns"
    NTP = "ntp"
    RTSP = "rtsp"
    RTSPS = "rtsps"
    WHOIS = "whois"
    RDAP = "rdap"
    MAIL = "mail"


# 0: the port must be written. What each kind asks for is this port's own protocol.
_PORTS = {
    ServiceKind.PING: 0,
    ServiceKind.TCP: 0,
    ServiceKind.HTTP: 80,
    ServiceKind.HTTPS: 443,
    ServiceKind.TLS: 443,
    ServiceKind.DNS: 53,
    ServiceKind.NTP: 123,
    ServiceKind.RTSP: 554,
    ServiceKind.RTSPS: 322,
    ServiceKind.WHOIS: 43,
    ServiceKind.RDAP: 443,
    ServiceKind.MAIL: 25,
}
DNS_TYPES = ("A", "AAAA", "MX", "NS", "TXT")


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """A service's address, taken apart.

    Attributes:
        url: as it was written.
        port: 0 for ping, which has none.
        path: begins with "/" or is empty.
        query: the parameters, the last of a name.
    """

    kind: ServiceKind
    url: str
    host: str
    port: int
    path: str = ""
    query: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def place(self) -> str:
        """`host:port`, for people."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host

    @property
    def name(self) -> str:
        """What is asked about, without the leading slash: a domain, a mailbox."""
        return unquote(self.path[1:])


def parse_service_address(address: str) -> ServiceAddress:
    """Read a service's address.

    Example:
        >>> a = parse_service_address("dns://10.20.1.1/rada.example.ua?type=MX")
        >>> a.kind.value, a.host, a.port, a.name, a.query
        ('dns', '10.20.1.1', 53, 'rada.example.ua', {'type': 'MX'})

    Raises:
        InvalidArgument: it is none; the sentence says why, and never repeats the address, which may hold a password.
    """
    if "@" in address.partition("://")[2].partition("/")[0]:
        raise InvalidArgument(
            say("В адресі є логін або пароль.", "The address has a login or a password in it."),
            hint=say("Збережіть їх як секрет і впишіть його назву.", "Keep them as a secret and write its name."),
        )
    match = _URL.fullmatch(address) if address.isascii() and len(address) <= ADDRESS_MAX_CHARS else None
    if match is None or match[1] not in {kind.value for kind in ServiceKind}:
        kinds = ", ".join(f"{kind.value}://" for kind in ServiceKind)
        raise InvalidArgument(
            say("Адреса служби має починатися з одного з: {kinds}", "It must begin with one of: {kinds}", kinds=kinds),
            hint=say("Наприклад, https://rada.example.ua/", "For example, https://rada.example.ua/"),
        )
    kind = ServiceKind(match[1])
    port = int(match[3]) if match[3] else _PORTS[kind]
    host = match[2].strip("[]")
    try:
        query = dict(parse_qsl(match[5] or "", max_num_fields=20))
    except ValueError as error:
        raise InvalidArgument(say("Забагато параметрів.", "There are too many parameters.")) from error
    found = ServiceAddress(kind, address, host, port, match[4] or "", query)
    if what := _wrong(found, port_is_written=match[3] is not None):
        raise InvalidArgument(what)
    return found


def _wrong(address: ServiceAddress, *, port_is_written: bool) -> Text | None:
    if len(address.host) > HOST_MAX_CHARS:
        return say("Задовга назва вузла.", "The host name is too long.")
    if address.kind is ServiceKind.PING:
        return say("Для ping порт не потрібен.", "A ping has no port.") if port_is_written else None
    if not 0 < address.port < 65536:
        return say("Потрібен порт від 1 до 65535.", "A port from 1 to 65535 is needed.")
    match address.kind:
        case ServiceKind.DNS:
            if address.query.get("type", "A").upper() not in DNS_TYPES:
                kinds = ", ".join(DNS_TYPES)
                return say("Запис DNS має бути одним із: {kinds}.", "The record must be one of: {kinds}.", kinds=kinds)
            return _wrong_domain(address.name)
        case ServiceKind.WHOIS:
            return _wrong_domain(address.name)
        case ServiceKind.RDAP:
            if "/domain/" not in address.path:
                return say("Адреса RDAP має містити /domain/назва.", "An RDAP address holds /domain/name.")
            return _wrong_domain(address.name.rpartition("/")[2])
        case ServiceKind.MAIL if not _MAILBOX.fullmatch(address.name):
            return say("Після сервера впишіть скриньку: /robot@example.ua", "A mailbox is needed: /robot@example.ua")
        case ServiceKind.MAIL if parse_place(address.query.get("imap", "")) is None:
            return say("Додайте, де читати пошту: ?imap=сервер:993", "Say where to read it: ?imap=server:993")
    return None


def parse_place(text: str) -> tuple[str, int] | None:
    """Host and port of `host:port`, or None when it is none."""
    match = _PLACE.fullmatch(text)
    if match is None or not 0 < int(match[2]) < 65536:
        return None
    return match[1].strip("[]"), int(match[2])


def _wrong_domain(name: str) -> Text | None:
    labels = name.removesuffix(".").split(".")
    if len(name) <= HOST_MAX_CHARS and all(len(one) <= 63 and _NAME.fullmatch(one) for one in labels):
        return None
    return say(
        "Після сервера впишіть назву домену латиницею: /rada.example.ua",
        "After the server comes a domain name in Latin letters: /rada.example.ua",
    )
