"""Owns the ways devices spell who they are: subtypes of LLDP, device ids of CDP, hardware and network addresses. Pure.

The subtype is a hint, not a promise: Nexus writes a MAC as text where six octets are due, and pads its port names with
NULs; ProCurve hands CDP's ids on as LLDP's. Recordings of them are in the tests.
"""

import ipaddress
import re

from agents.network.neighbours.report import Name
from agents.network.reading import text_of
from agents.network.snmp.codec import Value

NAME_MAX_CHARS = 128
MAC_OCTETS = 6
NOBODY = Name()
# LldpChassisIdSubtype and LldpPortIdSubtype (IEEE 802.1AB-2005, 9.5.2 and 9.5.3).
CHASSIS_MAC, CHASSIS_NETWORK = 4, 5
PORT_MAC, PORT_NETWORK = 3, 4
# AddressFamilyNumbers of IANA.
_FAMILIES = {1: 4, 2: 16}
_MAC_TEXT = re.compile(
    r"(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}|[0-9a-f]{4}([.-])[0-9a-f]{4}\2[0-9a-f]{4}", re.IGNORECASE
)


def mac_of(value: Value) -> str:
    r"""`aa:bb:cc:00:11:22` from six octets or from a text that spells them; "" when it is no address of one device.

    Example:
        >>> mac_of(b"\x00\x1b\x54\x00\x00\x07"), mac_of(b"001B-5400-0007"), mac_of(b"\x01\x80\xc2\x00\x00\x0e")
        ('00:1b:54:00:00:07', '00:1b:54:00:00:07', '')
    """
    if not isinstance(value, bytes):
        return ""
    octets = value
    if len(value) != MAC_OCTETS:
        text = value[:32].rstrip(b"\x00 ").decode("latin-1")
        if not _MAC_TEXT.fullmatch(text):
            return ""
        octets = bytes.fromhex(re.sub("[^0-9A-Fa-f]", "", text))
    if octets[0] & 1 or not any(octets):  # a group's address, or none
        return ""
    return octets.hex(":")


def address_of(value: Value) -> str:
    """The network address that four or sixteen octets spell; "" for others, and for none (0.0.0.0).

    Example:
        >>> address_of(bytes((10, 0, 0, 7))), address_of(bytes(16)), address_of(b"ten")
        ('10.0.0.7', '', '')
    """
    if not isinstance(value, bytes) or len(value) not in _FAMILIES.values() or not any(value):
        return ""
    return str(ipaddress.ip_address(value))


def chassis_name(subtype: Value, value: Value) -> Name:
    """How a neighbour calls itself."""
    return _name(value, is_mac=subtype == CHASSIS_MAC, is_network=subtype == CHASSIS_NETWORK)


def port_name(subtype: Value, value: Value) -> Name:
    """How it calls its port."""
    return _name(value, is_mac=subtype == PORT_MAC, is_network=subtype == PORT_NETWORK)


def cdp_name(value: Value) -> Name:
    """A device id of CDP: a name, or an address of hardware."""
    return _name(value, is_mac=False, is_network=False)


def _name(value: Value, *, is_mac: bool, is_network: bool) -> Name:
    if not isinstance(value, bytes) or not value.strip(b"\x00 "):
        return NOBODY
    looks_raw = not _is_text(value)
    if (is_mac or looks_raw or len(value) > MAC_OCTETS) and (mac := mac_of(value)):
        return Name("mac", mac)
    if is_network and len(value) - 1 == _FAMILIES.get(value[0]) and (address := address_of(value[1:])):
        return Name("ip", address)
    if looks_raw:
        return Name("name", value[: NAME_MAX_CHARS // 2].hex())
    text = text_of(value.rstrip(b"\x00"), NAME_MAX_CHARS)
    return Name("name", text) if text else NOBODY


def _is_text(value: bytes) -> bool:
    value = value.rstrip(b"\x00\r\n\t ")
    try:
        return value.decode().isprintable()
    except UnicodeDecodeError:
        # Older local gear writes cp1251; eight bits without letters are no text.
        return value.decode("cp1251", errors="replace").isprintable() and len(value) != MAC_OCTETS
