"""Owns a real VictoriaMetrics on a free port of loopback, over a folder of the test; it can be cut and come back."""

import contextlib
import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from beket.testing.process import Program, free_tcp_port, port_answers, running
from beket.testing.programs import find

# The one flag that Beket asks for: the same sample sent twice, as after a crash, is kept once.
KEEP_ONCE = "-dedup.minScrapeInterval=1ms"
Exported = dict[tuple[tuple[str, str], ...], list[tuple[int, float]]]


@dataclass(frozen=True, slots=True)
class Victoria:
    """A running engine."""

    url: str
    program: Program

    def export(self, selector: str) -> Exported:
        """Every raw sample of the series that `selector` matches: sorted labels → (time in ms, value)."""
        _get(self.url, "/internal/force_flush")
        lines = _get(self.url, "/api/v1/export", {"match[]": selector, "start": "0"}).splitlines()
        found: Exported = {}
        for series in map(json.loads, lines):
            samples = zip(series["timestamps"], series["values"], strict=True)
            found.setdefault(tuple(sorted(series["metric"].items())), []).extend(samples)
        return found


@contextlib.contextmanager
def victoria_metrics(folder: Path, *flags: str, port: int = 0) -> Iterator[Victoria]:
    """Run `victoria-metrics` over `folder` until the block ends; started again on the same folder and port, it goes on.

    Raises:
        ProgramFailed: it did not start.
    """
    port = port or free_tcp_port()
    argv = [
        str(find("victoria-metrics") or "victoria-metrics"),
        f"-storageDataPath={folder}",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-retentionPeriod=100y",
        "-search.latencyOffset=1ms",  # what was written just now is seen at once
        "-search.disableCache",
        "-loggerLevel=WARN",
        KEEP_ONCE,
        *flags,
    ]
    with running(argv, ready=port_answers(port), within_s=30) as program:
        yield Victoria(f"http://127.0.0.1:{port}", program)


def _get(url: str, path: str, arguments: dict[str, str] | None = None) -> str:
    query = urllib.parse.urlencode(arguments or {})
    with urllib.request.urlopen(f"{url}{path}?{query}", timeout=30) as answer:  # noqa: S310 - loopback
        text: str = answer.read().decode()
        return text
