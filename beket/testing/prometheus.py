"""Owns a real Prometheus on a free port of loopback, scraping what a test serves, and how PromQL is asked of an engine.

VictoriaMetrics answers the same questions at the same paths.
"""

import contextlib
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from beket.testing.process import Program, free_tcp_port, printed, running
from beket.testing.programs import find

Answer = dict[tuple[tuple[str, str], ...], float]


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus."""

    url: str
    program: Program


@contextlib.contextmanager
def prometheus(folder: Path, config: str) -> Iterator[Prometheus]:
    """Run `prometheus` with the configuration file `config` until the block ends.

    Raises:
        ProgramFailed: it did not start.
    """
    port = free_tcp_port()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "prometheus.yaml"
    file.write_text(config)
    argv = [
        str(find("prometheus") or "prometheus"),
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with running(argv, ready=printed("Server is ready to receive web requests"), within_s=30) as program:
        yield Prometheus(f"http://127.0.0.1:{port}", program)


def ask(url: str, query: str, *, at_s: float | None = None) -> Answer:
    """What an engine answers to PromQL for one moment, now unless told: sorted labels → value.

    Raises:
        AssertionError: the engine refuses the query; the message holds its words.
    """
    arguments = {"query": query} | ({} if at_s is None else {"time": f"{at_s:.3f}"})
    request = f"{url}/api/v1/query?{urllib.parse.urlencode(arguments)}"
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
            result = json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{query}: {error.read().decode(errors='replace')}") from None
    return {tuple(sorted(series["metric"].items())): float(series["value"][1]) for series in result}
