"""Whose certificates are believed, and the provider that alerts name."""

from pathlib import Path

import msgspec
import pytest

from agents.services.config import ServicesConfig
from beket.app.wiring.service_trust import trust
from beket.kernel.errors import InvalidConfig
from beket.kernel.ids import ProviderId
from beket.kernel.inventory import Provider
from beket.testing.certificates import authority
from beket.testing.inventories import community_of_real_size
from collector.rules.picture import Patience, Watch
from collector.rules.wording import whom_to_call


def test_an_authority_of_ones_own_is_believed_beside_those_of_the_machine() -> None:
    usual = trust(ServicesConfig()).cert_store_stats()["x509_ca"]
    with authority() as ours:
        assert trust(ServicesConfig(authority=ours.file)).cert_store_stats()["x509_ca"] == usual + 1


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_file_that_is_none_stops_the_start_in_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_bytes(content)
    with pytest.raises(InvalidConfig, match="cannot be read"):
        trust(ServicesConfig(authority=tmp_path / "ca.pem"))


def test_alerts_name_the_provider_with_phone_and_contract() -> None:
    provider = Provider(id=ProviderId("steplink"), name="Степлінк", phone="0 800 111", contract="№ 12")
    inventory = msgspec.structs.replace(community_of_real_size(), providers=(provider,))
    watch = Watch(Patience(180, 300), device_up="d", camera_up="c")
    picture = watch.picture(inventory, (), mono_ns=1, wall_ns=1)[0]
    assert whom_to_call("Секретар.", picture.site).uk == "Секретар. Провайдер: Степлінк, 0 800 111, № 12."
