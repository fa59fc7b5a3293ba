import socket
from types import SimpleNamespace

import psutil
import pytest

from beket.app.wiring.relay import address_of
from beket.kernel.errors import InvalidConfig


def test_loopback_has_its_address() -> None:
    assert address_of("lo") == "127.0.0.1"


def test_unknown_interface_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(InvalidConfig) as refused:
        address_of("wg9")
    assert "lo" in refused.value.sentence().uk


def test_interface_that_is_open_to_the_internet_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    public = SimpleNamespace(family=socket.AF_INET, address="8.8.8.8")
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: {"eth0": [public]})
    with pytest.raises(InvalidConfig, match="internet"):
        address_of("eth0")
