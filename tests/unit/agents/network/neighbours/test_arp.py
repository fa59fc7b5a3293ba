from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from agents.network.neighbours.arp import parse_arp, read_arp

TABLE = b"""IP address       HW type     Flags       HW address            Mask     Device
10.0.0.7         0x1         0x2         02:1b:54:00:00:07     *        eth0
10.0.0.8         0x1         0x0         00:00:00:00:00:00     *        eth0
10.0.0.9         0x1         0x6         02:1B:54:00:00:09     *        eth0
nonsense
10.0.0.999       0x1         0x2         02:1b:54:00:00:07     *        eth0
"""


def test_only_addresses_that_answered_have_hardware() -> None:
    assert parse_arp(TABLE) == {"10.0.0.7": "02:1b:54:00:00:07", "10.0.0.9": "02:1b:54:00:00:09"}


def test_a_system_without_the_file_knows_nothing(tmp_path: Path) -> None:
    assert read_arp(tmp_path / "arp") == {}
    (tmp_path / "arp").write_bytes(TABLE)
    assert len(read_arp(tmp_path / "arp")) == 2


@given(st.binary(max_size=400))
def test_no_bytes_break_it(data: bytes) -> None:
    assert all(len(mac) == 17 for mac in parse_arp(TABLE + data).values())
