"""Owns what of a device's answers may leave the site in a recording: no keys, clients, people, places or numbers. Pure.

Tables about others (neighbours, clients, routes, users, programs) are left out whole. What stays is changed in place:
hardware and network addresses, e-mail, telephone and serial numbers become such as are kept for examples (RFC 7042,
RFC 5737), the same one each time, so that what belonged together still does. No rule knows every maker's objects: the
command that uses this asks its user to look the file through.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from agents.network.snmp.codec import Value, Varbind
from agents.network.snmp.oid import parse_oid, sub_ids
from beket.kernel.errors import ProtocolError

_TAG_OCTETS, _TAG_ADDRESS = 0x04, 0x40
_MAC_OCTETS = 6
# Shorter words of people stand in other words by chance.
_WORD_MIN_BYTES = 4

# Subtrees that tell of others: the object, and why.
LEFT_OUT: dict[str, str] = {
    "1.0.8802": "LLDP: neighbours",
    "1.3.6.1.2.1.3": "ARP",
    "1.3.6.1.2.1.4.20": "IP addresses",
    "1.3.6.1.2.1.4.21": "routes",
    "1.3.6.1.2.1.4.22": "ARP",
    "1.3.6.1.2.1.4.24": "routes",
    "1.3.6.1.2.1.4.32": "IP prefixes",
    "1.3.6.1.2.1.4.34": "IP addresses",
    "1.3.6.1.2.1.4.35": "ARP",
    "1.3.6.1.2.1.4.37": "routers",
    "1.3.6.1.2.1.6.13": "connections",
    "1.3.6.1.2.1.6.19": "connections",
    "1.3.6.1.2.1.6.20": "listeners",
    "1.3.6.1.2.1.7.5": "listeners",
    "1.3.6.1.2.1.7.7": "listeners",
    "1.3.6.1.2.1.14": "OSPF",
    "1.3.6.1.2.1.15": "BGP",
    "1.3.6.1.2.1.16": "RMON: conversations",
    "1.3.6.1.2.1.17.4.3": "addresses behind ports",
    "1.3.6.1.2.1.17.7.1.2": "addresses behind ports",
    "1.3.6.1.2.1.23": "RIP",
    "1.3.6.1.2.1.25.4": "programs that run, with their arguments",
    "1.3.6.1.2.1.25.6": "programs that are installed",
    "1.3.6.1.2.1.31.1.4": "addresses a port listens to",
    "1.3.6.1.2.1.43.5.1.1.2": "the printer's contact",
    "1.3.6.1.2.1.55": "IPv6",
    "1.3.6.1.6.3": "SNMP's own: communities, users, targets",
    "1.3.6.1.4.1.9.2.9": "Cisco: who is logged in",
    "1.3.6.1.4.1.9.9.23": "CDP: neighbours",
    "1.3.6.1.4.1.77.1.2": "Windows: users and shares",
    "1.3.6.1.4.1.8072.1.3": "net-snmp: commands and what they print",
    "1.3.6.1.4.1.2021.8": "net-snmp: commands and what they print",
    "1.3.6.1.4.1.935.2": "UPS cards: who gets traps, with communities",
    "1.3.6.1.4.1.14988.1.1.1.2": "MikroTik: Wi-Fi clients",
    "1.3.6.1.4.1.14988.1.1.1.5": "MikroTik: Wi-Fi clients",
    "1.3.6.1.4.1.14988.1.1.8": "MikroTik: scripts",
    "1.3.6.1.4.1.14988.1.1.11": "MikroTik: neighbours",
    "1.3.6.1.4.1.41112.1.4.7": "airOS: stations",
}
# Values that are words of people, or numbers of one device.
_WORDS: dict[str, str] = {
    "1.3.6.1.2.1.1.4.0": "contact",
    "1.3.6.1.2.1.1.5.0": "name",
    "1.3.6.1.2.1.1.6.0": "location",
    "1.3.6.1.2.1.31.1.1.1.18": "alias",
    "1.3.6.1.2.1.43.5.1.1.16": "name",
    "1.3.6.1.2.1.43.5.1.1.17": "SERIAL",
    "1.3.6.1.2.1.47.1.1.1.1.11": "SERIAL",
    "1.3.6.1.2.1.47.1.1.1.1.14": "alias",
    "1.3.6.1.2.1.47.1.1.1.1.15": "asset",
}
_PHYSICAL_ADDRESS = parse_oid("1.3.6.1.2.1.2.2.1.6")

_MAC = re.compile(
    r"\b[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}\b|\b(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}\b"
)
_IPV4 = re.compile(r"\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){2,7}:?[0-9A-Fa-f]{0,4}(?![\w:])|(?<![\w:])fe80::[0-9A-Fa-f:]+")
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w.-]{1,64}")
_PHONE = re.compile(r"\+?\d(?:[ ()-]?\d){8,14}\b")
_KEYED = re.compile(r"(?i)\b(pass(?:word|wd|phrase)?|secret|community|psk|key|token)(\s*[=: ]\s*)\S+")
_NUMBERED = re.compile(r"(?i)\b(serial(?:[ -]?n(?:umber|o\.?|r\.?))?|s/n)([ :=#]+)[\w-]*\d[\w-]*")
_SERIAL = re.compile(r"\b(?=(?:[A-Z]*[0-9]){5})[A-Z0-9]{9,}\b")


class Redaction:
    """Redacts one recording; what is like becomes like throughout it.

    Args:
        secrets: what must not stand anywhere: the community, the v3 user's names and passwords.
        serials: names of objects (raw OIDs) that hold serial numbers, as the modules know them.
    """

    def __init__(self, *, secrets: Iterable[str] = (), serials: Iterable[bytes] = ()) -> None:
        self._secrets = [secret for secret in secrets if secret]
        self._serials = set(serials)
        self._left_out = tuple(map(parse_oid, LEFT_OUT))
        self._words = {parse_oid(oid): word for oid, word in _WORDS.items()}
        self._likes: dict[str, dict[bytes, int]] = {}
        # What people called the device and its place, which it may repeat elsewhere: net-snmp does so in sysDescr.
        self._said: dict[str, str] = {}

    def redact(self, rows: Sequence[Varbind]) -> Iterator[Varbind]:
        """The rows that may leave, changed where they must be."""
        for name, tag, value in rows:
            word = self._word(name)
            if tag == _TAG_OCTETS and isinstance(value, bytes) and word is not None and len(value) >= _WORD_MIN_BYTES:
                self._said[value.decode(errors="replace")] = self._instead(word, value)
        macs = {value for name, tag, value in rows if isinstance(value, bytes) and self._is_mac(name, tag, value)}
        for name, tag, value in rows:
            if name.startswith(self._left_out) or _tells_an_address(name, macs):
                continue
            yield name, tag, self._value(name, tag, value)

    def _value(self, name: bytes, tag: int, value: Value) -> Value:
        if not isinstance(value, bytes) or not value:
            return value
        if tag == _TAG_ADDRESS:
            return self._address(value)
        if tag != _TAG_OCTETS:
            return value
        if name in self._serials:
            return b"SERIAL%d" % self._like("serial", value)
        word = self._word(name)
        if word is not None:
            return self._instead(word, value).encode()
        if self._is_mac(name, tag, value):
            return bytes((0, 0, 0x5E, 0, 0x53, self._like("mac", value) % 256))
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return value if not any(secret.encode() in value for secret in self._secrets) else b""
        return self._text(text).encode()

    def _word(self, name: bytes) -> str | None:
        return next((word for prefix, word in self._words.items() if name.startswith(prefix)), None)

    def _instead(self, word: str, value: bytes) -> str:
        return f"{word}{self._like(word, value)}"

    def _text(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "secret")
        for words, instead_of_them in self._said.items():
            text = text.replace(words, instead_of_them)
        rules: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
            (_KEYED, lambda found: f"{found[1]}{found[2]}secret"),
            (_NUMBERED, lambda found: f"{found[1]}{found[2]}SERIAL{self._like('serial', found[0].encode())}"),
            (_EMAIL, lambda _: "person@example.org"),
            (_MAC, lambda found: f"00:00:5e:00:53:{self._like('mac', found[0].encode()) % 256:02x}"),
            (_IPV4, lambda found: f"192.0.2.{self._like('ip', found[0].encode()) % 256}"),
            (_IPV6, lambda _: "2001:db8::1"),
            (_SERIAL, lambda found: f"SERIAL{self._like('serial', found[0].encode())}"),
            (_PHONE, lambda _: "0000000"),
        )
        for pattern, instead in rules:
            text = pattern.sub(instead, text)
        return text

    def _address(self, value: bytes) -> bytes:
        if value[:1] in (b"\x00", b"\xff", b"\x7f"):
            return value  # none, a mask, the device itself
        return bytes((192, 0, 2, self._like("ip", value) % 256))

    def _is_mac(self, name: bytes, tag: int, value: bytes) -> bool:
        if tag != _TAG_OCTETS or len(value) != _MAC_OCTETS:
            return False
        return name.startswith(_PHYSICAL_ADDRESS) or not all(32 <= octet < 127 for octet in value)

    def _like(self, kind: str, value: bytes) -> int:
        known = self._likes.setdefault(kind, {})
        return known.setdefault(value, len(known) + 1)


def _tells_an_address(name: bytes, macs: set[bytes]) -> bool:
    """Whether the index of `name` is, or ends in, a hardware address, or a private network one."""
    try:
        numbers = sub_ids(name)
    except ProtocolError:
        return True
    for end in (len(numbers), len(numbers) - 1, len(numbers) - 2):
        tail = numbers[end - _MAC_OCTETS : end]
        if end <= _MAC_OCTETS or not all(number < 256 for number in tail):
            continue
        # The numbers of objects are small; of six octets of an address few are.
        if bytes(tail) in macs or sum(number > 31 for number in tail) >= 4:
            return True
    first, second, *rest = numbers[-4:] if len(numbers) >= 4 else (0, 0)
    if not all(number < 256 for number in (first, second, *rest)):
        return False
    return (first, second) == (192, 168) or (first == 172 and 16 <= second < 32) or (first == 10 and max(rest) > 31)
