"""Owns the way from what devices tell to the links of a community: a pure function, the same for any order of telling.

What is heard (LLDP, CDP) says who is at the other end; what is seen (FDB) says only behind which port. The first makes
links, the second supports or doubts them and places what nobody hears. Note: agents/design/0045-topology.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from beket.kernel.ids import DeviceId
from beket.kernel.inventory import Inventory
from collector.topology.hearing import heard_links
from collector.topology.identities import Identities
from collector.topology.links import Link, Party, Stranger, camera, device
from collector.topology.sighting import confirmed, seen_links, sightings
from collector.topology.told import Neighbourhood


@dataclass(frozen=True, slots=True)
class Topology:
    """All links in their order, and what is known of strangers."""

    links: tuple[Link, ...] = ()
    strangers: Mapping[Party, Stranger] = field(default_factory=dict)

    def of(self, party: Party) -> list[Link]:
        """The links of one party, by its ports."""
        mine = [link for link in self.links if any(end.party == party for end in link.ends)]
        return sorted(mine, key=lambda link: (link.near_end(party).port, link))


def derive(inventory: Inventory, heard: Mapping[DeviceId, Neighbourhood]) -> Topology:
    """The links of `inventory`'s things; reports of devices that it does not have count for nothing."""
    devices = [one for one in inventory.devices if one.id in heard]
    told = {one.id: heard[one.id] for one in devices}
    identities = Identities(inventory.devices, inventory.cameras, told)
    links, strangers = heard_links(devices, told, identities)
    known = {device(one.id) for one in inventory.devices} | {camera(one.id) for one in inventory.cameras}
    seen = sightings(known, told)
    links = confirmed(links, seen)
    return Topology(tuple(sorted([*links, *seen_links(links, seen)])), strangers)
