import base64
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from beket.kernel.errors import NotFound
from beket.kernel.ids import SiteId
from beket.kernel.inventory import Inventory
from beket.testing.inventories import community_of_real_size
from collector.inventory.signed import signed_part

WHOLE = community_of_real_size()
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
GOLDEN = Path("tests/fixtures/wire/1/inventory-part.json")


def test_a_part_is_signed_over_the_very_bytes_that_travel() -> None:
    envelope = msgspec.json.decode(signed_part(WHOLE, SiteId("site-03"), KEY.sign))
    document = base64.b64decode(envelope["document"])
    KEY.public_key().verify(base64.b64decode(envelope["signature"]), document)
    signed = msgspec.json.decode(document)
    assert signed["site"] == "site-03"
    assert msgspec.convert(signed["inventory"], Inventory) == WHOLE.part_of(SiteId("site-03"))


def test_a_part_looks_as_this_release_promised() -> None:
    assert signed_part(WHOLE, SiteId("site-03"), KEY.sign) == (Path.cwd() / GOLDEN).read_bytes()


def test_an_unknown_site_has_no_part() -> None:
    with pytest.raises(NotFound):
        signed_part(WHOLE, SiteId("nowhere"), KEY.sign)
