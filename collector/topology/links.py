"""Owns what a link is: two ends, the evidence for it by protocol and teller, and every doubt about it. Values only."""

from dataclasses import dataclass
from enum import StrEnum

from beket.kernel.ids import CameraId, DeviceId


class Kind(StrEnum):
    """What stands at an end."""

    DEVICE = "device"
    CAMERA = "camera"
    STRANGER = "stranger"


class Protocol(StrEnum):
    """How somebody came to know. FDB, a bridge's table, says only that an address is somewhere behind a port."""

    LLDP = "lldp"
    CDP = "cdp"
    FDB = "fdb"


class Doubt(StrEnum):
    """What speaks against a link, or does not fit it; shown to people, never resolved for them.

    PORTS_DIFFER: the two sides, or two protocols, name different ports.
    NOT_NAMED_BACK: the other side was read whole, speaks the same protocol, and does not know of it.
    SEVERAL_ON_PORT: one port has several neighbours, as when a simple switch stands between.
    SEVERAL_PLACES: the same address is seen in several places.
    SEEN_ELSEWHERE: a neighbour's address is behind another port than the one it is heard on.
    NAMES_DISAGREE: its hardware address and its network address are those of different things.
    AMBIGUOUS: what it calls itself fits several things of the inventory.
    LOOP: it leads back to the same device.
    """

    PORTS_DIFFER = "ports-differ"
    NOT_NAMED_BACK = "not-named-back"
    SEVERAL_ON_PORT = "several-on-port"
    SEVERAL_PLACES = "several-places"
    SEEN_ELSEWHERE = "seen-elsewhere"
    NAMES_DISAGREE = "names-disagree"
    AMBIGUOUS = "ambiguous"
    LOOP = "loop"


@dataclass(frozen=True, slots=True, order=True)
class Party:
    """Who stands at an end: a thing of the inventory by its id, or a stranger by what it calls itself."""

    kind: Kind
    id: str


@dataclass(frozen=True, slots=True, order=True)
class End:
    """An end of a link; `port` is "" when nobody named it."""

    party: Party
    port: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """Who says so, how, and when it was last heard.

    Attributes:
        others: of a bridge's table, how many other addresses are behind the same port.
    """

    protocol: Protocol
    teller: DeviceId
    seen_wall_ns: int
    others: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """Two ends that are joined, as far as the evidence goes; `ends` in their own order."""

    ends: tuple[End, End]
    evidence: tuple[Evidence, ...]
    doubts: tuple[Doubt, ...] = ()

    @property
    def is_heard(self) -> bool:
        """Whether somebody hears the other end itself, and does not only see its address go by."""
        return any(one.protocol is not Protocol.FDB for one in self.evidence)

    @property
    def is_mutual(self) -> bool:
        """Whether both ends say so, in the same way: both hear, or both see."""
        return {device(one.teller) for one in self.strongest} == {end.party for end in self.ends}

    @property
    def strongest(self) -> tuple[Evidence, ...]:
        """What counts most: of a link that is heard, not what bridges see besides."""
        return tuple(one for one in self.evidence if (one.protocol is Protocol.FDB) != self.is_heard)

    @property
    def seen_wall_ns(self) -> int:
        """When anybody saw it last."""
        return max(one.seen_wall_ns for one in self.evidence)

    def far_end(self, party: Party) -> End:
        """The end that is not at `party`; of a loop its second one."""
        return self.ends[1] if self.ends[0].party == party else self.ends[0]

    def near_end(self, party: Party) -> End:
        """The end at `party`."""
        return self.ends[0] if self.ends[0].party == party else self.ends[1]


@dataclass(frozen=True, slots=True)
class Stranger:
    """A neighbour that is nothing of the inventory, as it was described by whoever heard it."""

    name: str
    address: str
    mac: str
    description: str


def device(id_: DeviceId | str) -> Party:
    """The device with this id."""
    return Party(Kind.DEVICE, id_)


def camera(id_: CameraId | str) -> Party:
    """The camera with this id."""
    return Party(Kind.CAMERA, id_)
