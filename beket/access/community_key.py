"""Owns the community's own key, by which agents know that a grant or an inventory part comes from their centre.

Made at the centre's first start, kept 0600 outside everything that is backed up, printed once for the safe. An agent
learns its public half when it enrols. Light to import: cryptography, msgspec and the kernel.
Note: beket/access/design/0006-access-and-trust.md.
"""

import msgspec

from beket.access.messages import EnrolGrant, grant_bytes
from beket.access.signing import Purpose, SigningKey, from_hex, verify
from beket.kernel.inventory import Inventory
from beket.kernel.wire import canonical


class CommunityKey(SigningKey):
    """The private half; only the centre has it."""

    __slots__ = ()

    def sign_grant(self, grant: EnrolGrant) -> EnrolGrant:
        """The grant with this key's name and its signature over all other fields."""
        named = msgspec.structs.replace(grant, community_key=self.public)
        return msgspec.structs.replace(named, signature=self.sign(Purpose.ENROL_GRANT, grant_bytes(named)).hex())

    def sign_inventory(self, part: Inventory) -> str:
        """The signature (hex) that an agent keeps beside its copy of the inventory."""
        return self.sign(Purpose.INVENTORY_PART, canonical(part)).hex()


def is_grant_genuine(grant: EnrolGrant) -> bool:
    """Whether the key that the grant names as the community's has signed it.

    Raises:
        ProtocolError: it names no key.
    """
    return verify(grant.community_key, Purpose.ENROL_GRANT, grant_bytes(grant), from_hex(grant.signature))


def is_inventory_genuine(community_key: str, part: Inventory, signature: str) -> bool:
    """Whether the community signed this part of its inventory."""
    return verify(community_key, Purpose.INVENTORY_PART, canonical(part), from_hex(signature))
