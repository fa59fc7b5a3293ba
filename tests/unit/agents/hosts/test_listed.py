"""Gear that the inventory lists and gear of the agent's own file."""

from agents.hosts.config import GearConfig
from agents.hosts.listed import listed_gear
from beket.kernel.ids import DeviceId, SiteId
from beket.kernel.inventory import Device

KEY = "SHA256:" + "k" * 43


def device(name: str, **fields: str) -> Device:
    return Device(id=DeviceId(name), site=SiteId("council"), name=name, address="10.0.0.1:161", **fields)


def test_a_device_with_a_command_line_is_logged_in_to_and_another_is_not() -> None:
    router = device("router", shell="mikrotik://beket@10.0.0.1:2022", shell_secret="router-ssh", host_key=KEY)
    assert listed_gear((), [device("printer"), router]) == (
        GearConfig(
            device="router", family="mikrotik", address="10.0.0.1:2022", login="beket", secret="router-ssh",
            host_key=KEY,
        ),
    )  # fmt: skip


def test_the_agents_own_file_outweighs_the_inventory() -> None:
    switch = device("switch", shell="cisco-ios://beket@10.0.0.2", shell_secret="switch-ssh")
    own = GearConfig(
        device="switch", family="cisco-ios", address="10.0.0.2", login="reader", secret="own", enable_secret="level-15"
    )
    other = GearConfig(device="attic", family="linux", address="10.0.0.9", login="beket", secret="attic")
    assert listed_gear((own, other), [switch]) == (other, own)


def test_what_a_newer_centre_writes_costs_that_device_alone() -> None:
    odd = device("odd", shell="telnet+tls://beket@10.0.0.3", shell_secret="odd")
    bad_key = device("bad", shell="linux://beket@10.0.0.3", shell_secret="bad", host_key="MD5:00")
    no_secret = device("open", shell="linux://beket@10.0.0.3")
    good = device("good", shell="linux://beket@10.0.0.3", shell_secret="good")
    assert [one.device for one in listed_gear((), [odd, bad_key, no_secret, good])] == ["good"]
