"""The `[hosts]` section: what it takes, and each thing it refuses."""

from pathlib import Path

import pytest

from agents.hosts.config import GearConfig, HostsConfig, parse_ssh_address
from beket.kernel.config import ConfigMistakes, load
from beket.kernel.errors import InvalidArgument, InvalidConfig

GEAR = {"device": "router", "family": "mikrotik", "address": "10.0.0.1", "login": "beket", "secret": "router-ssh"}


def test_gear_is_taken_as_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "hosts.toml"
    lines = "".join(f'{name} = "{value}"\n' for name, value in GEAR.items())
    file.write_text(f"timeout_s = 5\n[[gear]]\n{lines}")
    assert load(file, HostsConfig).gear == (GearConfig(**GEAR),)
    file.write_text(f"[[gear]]\n{lines}[[gear]]\n{lines}")
    with pytest.raises(ConfigMistakes, match="named twice"):
        load(file, HostsConfig)


@pytest.mark.parametrize(
    "wrong",
    [
        {"device": "Router"},
        {"secret": "../x"},
        {"enable_secret": "a b"},
        {"login": "-oProxyCommand=x"},
        {"login": "a b"},
        {"host_key": "MD5:00"},
        {"address": "-x"},
        {"address": "a b"},
        {"address": "sw1:0"},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises((InvalidConfig, InvalidArgument)):
        GearConfig(**(GEAR | wrong))


def test_addresses_have_a_port_or_the_usual_one() -> None:
    assert parse_ssh_address("fd.example:2222") == ("fd.example", 2222)
    assert parse_ssh_address("[fd00::1]") == ("fd00::1", 22)
