"""Owns what is a legal address of a device and of a stream; pure, and never repeats what may hold a password."""

import ipaddress
import re
from urllib.parse import urlsplit

from beket.kernel.text import Text, say

STREAM_SCHEMES = ("rtsp", "rtsps", "http", "https")

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
# Credentials outside the user part, as cheap cameras want them: `?user=admin&password=…`, `/user=admin_password=…`.
_CREDENTIAL_PARAMETER = re.compile(
    r"(?:^|[/?&;_])(?:user|username|usr|login|password|passwd|pwd|pass|token|auth)=[^&/;_]", re.IGNORECASE
)


def wrong_address(address: str) -> Text | None:
    """Why `address` is not a host name or an IP with an optional `:port`; None when it is."""
    if not address:
        return say("Немає адреси.", "The address is missing.")
    if "://" in address or "/" in address or "@" in address:
        return say(
            "Тут потрібні лише назва вузла або IP, без «://», «/» і «@».",
            "Only a host name or an IP belongs here, without “://”, “/” or “@”.",
        )
    host, port = _host_and_port(address)
    if port is not None and not _is_port(port):
        return say("Порт має бути від 1 до 65535.", "The port must be 1 to 65535.")
    return _wrong_host(host)


def wrong_stream_url(url: str) -> Text | None:
    """Why `url` cannot be a camera's stream; None when it can."""
    if not url:
        return say("Немає адреси потоку.", "The stream's address is missing.")
    if not url.isascii() or " " in url:
        return say(
            "В адресі є пробіл або нелатинська літера.",
            "The address has a space or a letter that is not Latin.",
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return say("Адреса потоку написана з помилкою.", "The stream's address is malformed.")
    if parts.scheme not in STREAM_SCHEMES or not parts.netloc:
        return say(
            "Адреса потоку має виглядати так: rtsp://10.0.0.5:554/шлях.",
            "A stream's address looks like this: rtsp://10.0.0.5:554/path.",
        )
    if port == 0:
        return say("Порт має бути від 1 до 65535.", "The port must be 1 to 65535.")
    return _wrong_host(parts.hostname or "")


def carries_credentials(url: str) -> bool:
    """Whether a URL, even a malformed one, carries a login or a password, before the host or among its parameters."""
    authority = url.partition("://")[2].partition("/")[0]
    return "@" in authority or _CREDENTIAL_PARAMETER.search(url) is not None


def _host_and_port(address: str) -> tuple[str, str | None]:
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        return host, rest[1:] if rest.startswith(":") else (None if not rest else "")
    if address.count(":") == 1:
        host, _, port = address.partition(":")
        return host, port
    return address, None


def _is_port(port: str) -> bool:
    return port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65535


def _wrong_host(host: str) -> Text | None:
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return None if _is_host_name(host) else _not_a_host(host)
    if ip.is_unspecified or ip.is_multicast or ip == ipaddress.IPv4Address("255.255.255.255"):
        return say("{ip} не є адресою одного пристрою.", "{ip} is not the address of one device.", ip=ip)
    return None


def _not_a_host(host: str) -> Text:
    return say(
        "«{host}» не є ні IP, ні назвою вузла.", "“{host}” is neither an IP nor a host name.", host=host[:60] or "…"
    )


def _is_host_name(host: str) -> bool:
    labels = host.removesuffix(".").split(".")
    # An all-digit last label is a mistyped IP (10.0.0.256), never a name.
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()
