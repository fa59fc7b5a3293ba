"""Owns what an agent is given of the inventory: the part about its site, signed by the community.

What is signed are the very bytes that travel, so that an agent of an older release, which knows fewer fields, checks
the same bytes. Pure; the key stays with whoever hands in `sign`. Reader: agents/inventory. Golden file:
tests/fixtures/wire/1/inventory-part.json.
"""

from collections.abc import Callable

import msgspec

from beket.kernel.errors import NotFound
from beket.kernel.ids import SiteId
from beket.kernel.inventory import Inventory
from beket.kernel.text import say
from beket.kernel.wire import canonical, encode

Sign = Callable[[bytes], bytes]


class SignedPart(msgspec.Struct, frozen=True):
    """A part and its proof; both base64 in JSON.

    Attributes:
        document: canonical JSON of `PartDocument`.
        signature: Ed25519 over `document`, made for the purpose "inventory-part".
    """

    document: bytes
    signature: bytes


class PartDocument(msgspec.Struct, frozen=True):
    """What is signed: whose part it is, and the part."""

    site: SiteId
    inventory: Inventory


def signed_part(inventory: Inventory, site: SiteId, sign: Sign) -> bytes:
    """The signed part of `inventory` for the agent of `site`, as it travels and as the agent keeps it.

    Args:
        inventory: the version in force.
        site: the agent's own.
        sign: the community key's signature for the purpose "inventory-part".

    Raises:
        NotFound: there is no such site in this version.
    """
    if all(known.id != site for known in inventory.sites):
        raise NotFound(say("Такого об'єкта немає.", "There is no such site."), subject=site)
    document = canonical(PartDocument(site, inventory.part_of(site)))
    return encode(SignedPart(document, sign(document)))
