"""A site set up by an operator, command by command, over real gear: GStreamer cameras with a login, Net-SNMP's agent.

What came is taken from the centre's pages and played by ffprobe. Runs on the rendered film, and again on each real one.
"""

import contextlib
import datetime
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from beket.testing.footage import Footage
from beket.testing.gst_rtsp import Film, LiveScene, gst_rtsp_server
from beket.testing.process import free_tcp_port
from beket.testing.snmpd import snmpd

BEKET = [sys.executable, "-m", "beket"]
PASSWORD = "вода-камінь-дорога-9"
LOGIN = ("watch", "t0p-of-the-hill")


class Town:
    """A centre and one site's agent as processes, set up through the `beket` command alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pages_port = free_tcp_port()
        (folder / "centre.toml").write_text(
            f'data = "{folder}/centre"\nkeys = "{folder}/keys"\n'
            f'[community]\nid = "mohyliv"\nname = "Могилів"\n'
            f'[agents]\nhost = "127.0.0.1"\nport = {free_tcp_port()}\nnames = ["127.0.0.1"]\n'
            f"[pages]\nport = {self.pages_port}\n"
            f'[recordings]\nfolder = "{folder}/video"\nfree_floor_gib = 0\n'
        )
        (folder / "agent.toml").write_text(
            f'data = "{folder}/agent"\nsecrets = "{folder}/secrets"\n'
            f"[cameras]\nsegment_s = 5\n"
            f'[recordings]\nfolder = "{folder}/edge"\nfree_floor_gib = 0\n'
            f"[network]\ninterval_s = 2\n"
        )
        (folder / "secrets").mkdir()
        self.secret("camera", ":".join(LOGIN))
        self.secret("snmp", "hromada")
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o600)

    def secret(self, name: str, value: str) -> None:
        """Put a secret where the agent looks for it."""
        file = self.folder / "secrets" / name
        file.write_text(value)
        file.chmod(0o600)

    def beket(self, *arguments: str, stdin: str = "") -> str:
        """Run a command to its end; what it said."""
        command = [*BEKET, *arguments]
        done = subprocess.run(
            command, cwd=self.folder, input=stdin, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextlib.contextmanager
    def running(self, *arguments: str) -> Iterator[None]:
        """A long-lived command, its log beside its configuration."""
        with (self.folder / f"{arguments[0]}.log").open("ab") as log:
            process = subprocess.Popen([*BEKET, *arguments], cwd=self.folder, stderr=log)
            try:
                yield
            finally:
                process.terminate()
                assert process.wait(30) == 0

    def samples(self) -> dict[tuple[str, str], float]:
        """(metric, device or camera) → value, as Prometheus reads them."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.pages_port}/metrics", timeout=60) as page:
            families = list(text_string_to_metric_families(page.read().decode()))
        return {
            (sample.name, sample.labels.get("device") or sample.labels.get("camera") or ""): sample.value
            for family in families
            for sample in family.samples
        }

    def log(self) -> str:
        """What both processes have logged."""
        return "".join(file.read_text() for file in sorted(self.folder.glob("*.log")))


class Deputy:
    """A person at the pages."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        answer = self._send("POST", "/login", {"login": "deputy", "password": PASSWORD})
        self._csrf = json.loads(answer)["csrf"]
        self._send("PUT", "/reason", {"reason": "Перевірка нової камери"})

    def recorded_90k(self, camera: str, *, since_at: datetime.datetime) -> tuple[int, int]:
        """From when to when the longest stretch goes that the centre holds."""
        until_at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=1)
        span = f"start_at={since_at:%Y-%m-%dT%H:%M:%SZ}&end_at={until_at:%Y-%m-%dT%H:%M:%SZ}"
        listed = json.loads(self._send("GET", f"/cameras/{camera}/recordings?{span}"))
        stretches = [(first, last) for first, last, _, _ in listed["recorded"]]
        return max(stretches, key=lambda stretch: stretch[1] - stretch[0], default=(0, 0))

    def recorded_s(self, camera: str, *, since_at: datetime.datetime) -> float:
        """How long that stretch is."""
        first, last = self.recorded_90k(camera, since_at=since_at)
        return (last - first) / 90_000

    def take(self, camera: str, *, from_90k: int, seconds: int) -> bytes:
        """A piece of the archive."""
        at = datetime.datetime.fromtimestamp(from_90k // 90_000 + 1, datetime.UTC)
        return self._send("GET", f"/cameras/{camera}/minute.mp4?at={at:%Y-%m-%dT%H:%M:%SZ}&seconds={seconds}")

    def _send(self, method: str, path: str, body: dict[str, str] | None = None) -> bytes:
        headers = {"X-CSRF-Token": getattr(self, "_csrf", "")}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data=data, headers=headers, method=method)
        with self._opener.open(request, timeout=60) as answer:
            return bytes(answer.read())


@pytest.mark.needs("gst-rtsp-server", "snmpd", "ffprobe")
def test_operator_sets_up_a_site_and_its_cameras_and_gear_reach_the_centre(tmp_path: Path, footage: Footage) -> None:
    town = Town(tmp_path)
    streams = [LiveScene("/live"), Film("/film", footage.file)]
    with gst_rtsp_server(*streams, login=LOGIN) as cameras, snmpd(community="hromada") as gear:
        (tmp_path / "inventory.yaml").write_text(_inventory(cameras.url("/live"), cameras.url("/film"), gear.address))
        town.beket("inventory", "--config", "centre.toml", "import", "inventory.yaml", "--yes", "--reason", "перша")
        add = ("add", "deputy", "--name", "Заступник", "--role", "deputy", "--password-file", "password")
        town.beket("user", "--config", "centre.toml", *add)
        looks = ("--action", "view-archive", "--everywhere", "--archive-days", "7", "--until", "2099-12-31")
        papers = ("--document", "Наказ 1", "--purpose", "Перевірка")
        town.beket("grant", "--config", "centre.toml", "add", "deputy", "1", *papers, *looks)
        with town.running("centre", "--config", "centre.toml"):
            _wait_until(lambda: _answers(town), town)
            line = town.beket("centre", "--config", "centre.toml", "join-line", "council")
            town.beket("agent", "--config", "agent.toml", "join", stdin=line)
            since_at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=1)
            with town.running("agent", "--config", "agent.toml"):
                deputy = Deputy(town.pages_port)
                for camera in ("live", "film"):
                    _wait_until(lambda camera=camera: deputy.recorded_s(camera, since_at=since_at) >= 8, town)
                _wait_until(lambda: town.samples().get(("device_snmp_up_ratio", "gear")) == 1, town)
                samples = town.samples()
                for camera in ("live", "film"):
                    clip = tmp_path / f"{camera}.mp4"
                    first_90k, _ = deputy.recorded_90k(camera, since_at=since_at)
                    clip.write_bytes(deputy.take(camera, from_90k=first_90k, seconds=10))
                    _assert_plays(clip)
    assert samples["device_up_ratio", "gear"] == 1
    assert samples["device_ping_loss_ratio", "gear"] == 0
    assert samples["device_uptime_seconds", "gear"] >= 0
    assert samples["port_in_bytes_total", "gear"] > 0
    assert samples["camera_up_ratio", "live"] == samples["camera_up_ratio", "film"] == 1
    assert LOGIN[1] not in town.log()
    assert "hromada" not in town.log()
    town.beket("vms", "--config", "agent.toml", "--agent", "check")
    town.beket("vms", "--config", "centre.toml", "check")
    assert "Журнал цілий" in town.beket("journal", "--config", "centre.toml", "verify")


def _inventory(live_url: str, film_url: str, gear_address: str) -> str:
    camera = """
  - id: {id}
    site: council
    name: {id}
    url: {url}
    secret: camera
    purpose: Перевірка
    basis: Рішення 1 від 01.11.2026
    retention_days: 7
    access: street"""
    return (
        "community: {id: mohyliv, name: Могилів}\n"
        "sites:\n  - {id: council, name: Сільрада, village: Могилів}\n"
        f"devices:\n  - id: gear\n    site: council\n    name: Комутатор\n    kind: switch\n"
        f"    address: '{gear_address}'\n    secret: snmp\n"
        f"cameras:{camera.format(id='live', url=live_url)}{camera.format(id='film', url=film_url)}\n"
    )


def _assert_plays(clip: Path) -> None:
    wanted = "format=duration:stream=nb_read_frames"
    probe = ["ffprobe", "-v", "error", "-count_frames", "-show_entries", wanted, "-of", "default=nw=1:nk=1", str(clip)]
    probed = subprocess.run(probe, capture_output=True, text=True, timeout=30, check=True)
    assert not probed.stderr
    frames, duration_s = probed.stdout.split()
    assert int(frames) >= 20
    assert float(duration_s) >= 4


def _answers(town: Town) -> bool:
    try:
        town.samples()
    except OSError:
        return False
    return True


def _wait_until(is_so: Callable[[], bool], town: Town) -> None:
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline, town.log()
        time.sleep(0.2)
