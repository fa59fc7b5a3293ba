"""A centre with `[sinks]` as a process of its own: its own numbers reach a real VictoriaMetrics that comes later."""

import sys
from pathlib import Path

import pytest

from beket.testing.process import Program, free_tcp_port, running, wait_for
from beket.testing.victoria import victoria_metrics


def config(folder: Path, engine_port: int) -> Path:
    path = folder / "centre.toml"
    path.write_text(
        f"""
data = "{folder / "data"}"
keys = "{folder / "keys"}"
[community]
id = "dolyna"
[agents]
port = 0
[pages]
port = 0
[recordings]
folder = "{folder / "recordings"}"
[sinks]
url = "http://127.0.0.1:{engine_port}"
every_s = 1
own_numbers_every_s = 5
"""
    )
    return path


@pytest.mark.needs("victoria-metrics")
def test_a_centre_sends_its_own_numbers_and_waits_for_an_engine_that_comes_later(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    port = free_tcp_port()
    argv = [sys.executable, "-m", "beket", "centre", "--config", str(config(tmp_path, port))]

    def waiting(program: Program) -> bool:
        return "samples out" in program.output()  # the engine is not there yet, and the log says so

    with running(argv, ready=waiting, within_s=30), victoria_metrics(tmp_path / "vm", port=port) as victoria:
        wait_for(lambda: bool(victoria.export('sink_lag_seconds{community="dolyna"}')), within_s=30, what="samples")
