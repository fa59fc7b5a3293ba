"""Owns what a site and the centre say of configurations; golden files in tests/fixtures/wire/<version>/gear-*.json.

Moments are by the site's clock, which may be wrong: each message carries that clock's present, and the centre counts
back from its own.
"""

import msgspec

COPY_MAX_BYTES = 4 * 1024 * 1024
LOOKS_MAX_BYTES = 512 * 1024
DEVICES_MAX = 1000
WORDS_MAX_CHARS = 1000
COPY_PATH = "/agent/v1/gear-copy"
LOOKS_PATH = "/agent/v1/gear-looks"
KEY_PATH = "/agent/v1/gear-key"


class GearKey(msgspec.Struct, frozen=True, kw_only=True):
    """Centre to agent: with which key full copies are sealed (hex)."""

    public: str


class GearCopy(msgspec.Struct, frozen=True, kw_only=True):
    """Agent to centre: a configuration that differs from the one before. `sealed` travels as base64."""

    id: str
    device: str
    wall_ns: int
    taken_ns: int
    since_ns: int | None
    family: str
    version: str
    who: str
    masked: str
    sealed: bytes


class GearLook(msgspec.Struct, frozen=True, kw_only=True):
    """How the last look at one device went."""

    device: str
    family: str
    looked_ns: int
    good_ns: int | None
    outcome: str
    reason_uk: str = ""
    reason_en: str = ""
    is_weak: bool = False


class GearLooks(msgspec.Struct, frozen=True, kw_only=True):
    """Agent to centre: all devices that it looks at."""

    wall_ns: int
    looks: tuple[GearLook, ...] = ()
