"""How `[sinks]` is read, and what it brings into being."""

import random
from pathlib import Path

import pytest

from beket.app.config import CentreConfig
from beket.app.wiring.sinks import connect, open_sink
from beket.kernel.clock import SimulatedClock
from beket.kernel.config import ConfigMistakes, example, load
from beket.kernel.errors import NotFound
from beket.kernel.ids import CommunityId
from beket.kernel.metrics import Instruments
from collector.config import SinksConfig


def read(folder: Path, text: str) -> SinksConfig:
    path = folder / "centre.toml"
    path.write_text(text)
    return load(path, CentreConfig).sinks


def test_without_an_address_nothing_comes_into_being(tmp_path: Path) -> None:
    clock, instruments = SimulatedClock(), Instruments(unit="centre")
    config = read(tmp_path, example(CentreConfig))
    with open_sink(config, tmp_path, community=CommunityId("d"), clock=clock, instruments=instruments) as sink:
        assert sink.queue is None
        assert sink.units(clock=clock, rng=random.Random(1)) == {}
    assert not (tmp_path / "sinks.db").exists()


def test_an_address_brings_a_queue(tmp_path: Path) -> None:
    config = read(tmp_path, '[sinks]\nurl = "http://127.0.0.1:8428"\n')
    community, instruments = CommunityId("d"), Instruments(unit="centre")
    with open_sink(config, tmp_path, community=community, clock=SimulatedClock(), instruments=instruments) as sink:
        assert sink.queue is not None
    assert (tmp_path / "sinks.db").exists()
    connect(config).close()


def test_the_token_is_read_from_its_file_at_each_try(tmp_path: Path) -> None:
    token = tmp_path / "token"
    config = read(tmp_path, f'[sinks]\nurl = "https://samples.example"\ntoken_file = "{token}"\n')
    with pytest.raises(NotFound):
        connect(config)
    token.write_text("abc\n")
    token.chmod(0o600)
    connect(config).close()


@pytest.mark.parametrize("url", ["127.0.0.1:8428", "ftp://x/", "http://", "http://me:pw@x:1"])
def test_an_address_that_will_not_do_is_told(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigMistakes) as caught:
        read(tmp_path, f'[sinks]\nurl = "{url}"\n')
    assert "sinks" in caught.value.sentence().uk
