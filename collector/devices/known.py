"""Owns what is known of a device's facts as values: a fact as it stands, and one that changed. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from beket.kernel.ids import DeviceId
from collector.devices.admission import fields_of


@dataclass(frozen=True, slots=True)
class KnownFact:
    """A fact as it stands.

    Attributes:
        key: what it is; of a part of the device `name/part`.
        first_wall_ns: when a value of this key was first seen at all; since_wall_ns: since when it is this one.
        seen_wall_ns: when it was seen last.
    """

    device: DeviceId
    source: str
    key: str
    kind: str
    value: str
    first_wall_ns: int
    since_wall_ns: int
    seen_wall_ns: int

    @property
    def fields(self) -> Mapping[str, str]:
        """The named texts of a fact of kind `fields`."""
        return fields_of(self.value) if self.kind == "fields" else {}


@dataclass(frozen=True, slots=True)
class FactChange:
    """A fact that became another; `before` is "" for one that appeared, `after` for one that is gone."""

    device: DeviceId
    source: str
    key: str
    before: str
    after: str
    wall_ns: int
