"""Owns the community's own key, by which agents know that a grant or an inventory part comes from their centre.

Made at the centre's first start, kept 0600 outside everything that is backed up, printed once for the safe. An agent
learns its public half when it enrols. Light to import: cryptography, msgspec and the kernel.
Note: beket/access/design/0006-access-and-trust.md.
"""

import msgspec

from beket.access.messages import EnrolGrant, grant_bytes
from beket.access.signing import Purpose, SigningKey, from_hex, verify


class CommunityKey(SigningKey):
    """The private half; only the centre has it."""

    __slots__ = ()

    def sign_grant(self, grant: EnrolGrant) -> EnrolGrant:
        """The grant with this key's name and its signature over all other fields."""
        named = msgspec.structs.replace(grant, community_key=self.public)
        return msgspec.structs.replace(named, signature=self.sign(Purpose.ENROL_GRANT, grant_bytes(named)).hex())


def is_grant_genuine(grant: EnrolGrant) -> bool:
    """Whether the key that the grant names as the community's has signed it.

    Raises:
        ProtocolError: it names no key.
    """
    return verify(grant.community_key, Purpose.ENROL_GRANT, grant_bytes(grant), from_hex(grant.signature))
