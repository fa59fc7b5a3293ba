"""The first light, as a newcomer sees it: one command, and video and samples come through real processes."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
import pytest
import yaml

from beket.app.wiring.catalogue import full_catalogue
from beket.sim.places import MOHYLIV
from beket.testing.prometheus import ask, prometheus
from beket.testing.victoria import victoria_metrics
from dashboards.grafana.__main__ import pages
from tests.page_queries import QUERIES, RULES, as_grafana_asks, scrape_config

pytestmark = [pytest.mark.usefixtures("village_to_ourselves"), pytest.mark.timeout(600)]
DEMO = [sys.executable, "-m", "beket", "demo"]
SCRAPE_EVERY = "5s"


@pytest.mark.needs("ffprobe", "restic", "prometheus", "victoria-metrics")
def test_demo_brings_video_samples_an_alert_and_a_proven_copy_and_its_minute_plays(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    command = [*DEMO, "--data", str(data), "--seconds", "60", "--require", "video,samples,alert,backup"]
    shown, played_s, engines = "", 0.0, list[str]()
    with contextlib.ExitStack() as stack, subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            shown += line
            if metrics := re.search(r"Метрики: http://([0-9.:]+)/metrics", line):
                engines = _engines_that_scrape(metrics[1], tmp_path, stack)
            if "з архіву грають" in line:
                played_s = time.time()  # the centre is still there
        assert demo.wait(60) == 0, shown + _logs(data)
        for url in engines:
            _assert_pages_have_data(url, at_s=[played_s - back for back in range(2, 42, 8)])
    assert "Навчальні дані: місця, камери й події вигадані" in shown
    clips = sorted((data / "minute").glob("*.mp4"))
    assert len(clips) == 6
    for clip in clips:
        _assert_plays(clip, seconds_min=8)
    _assert_no_secret_leaks(data)

    # The centre's and the agent's stores are whole, and say so to whoever asks.
    for arguments in (["--config", "centre.toml"], ["--agent", "--config", "agent-council-mohyliv.toml"]):
        check = [sys.executable, "-m", "beket", "vms", *arguments, "check"]
        result = subprocess.run(check, cwd=data, capture_output=True, text=True, timeout=200, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        forecast = subprocess.run(
            [*check[:-1], "forecast"], cwd=data, capture_output=True, text=True, timeout=200, check=False
        )
        assert forecast.returncode == 0, forecast.stdout + forecast.stderr
        assert "Під забороною стирати: 0 Б." in forecast.stdout

    computers = [sys.executable, "-m", "beket", "computers", "--config", "centre.toml", "show"]
    result = subprocess.run(computers, cwd=data, capture_output=True, text=True, timeout=200, check=False)
    assert "Програма «1С:Предприятие 8.2» заборонена" in result.stdout, result.stderr + _logs(data)

    journal = [sys.executable, "-m", "beket", "journal", "--config", "centre.toml", "verify"]
    result = subprocess.run(journal, cwd=data, capture_output=True, text=True, timeout=200, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Журнал цілий" in result.stdout


@pytest.mark.needs("ffprobe")
def test_second_start_records_again_the_button_brings_its_alert_and_the_police_see_a_stream(
    tmp_path: Path,
) -> None:
    path_without_restic = os.pathsep.join(["/bin-of-nothing", str(Path(sys.executable).parent)])
    environment = {**os.environ, "PATH": path_without_restic}
    once = [*DEMO, "--data", str(tmp_path), "--seconds", "1"]
    first = subprocess.run(once, env=environment, check=False, timeout=200, capture_output=True, text=True)
    assert "Резервне копіювання не показано: встановіть restic (sudo apt install restic)" in first.stdout
    demo = subprocess.Popen([*DEMO, "--data", str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        shown = _read_until(demo, "запис дійшов до центру")
        person = _Browser(re.search(r"(http://[0-9.:]+)/as/deputy", shown)[1])  # type: ignore[index]
        page = person.get("/as/deputy")
        assert "Навчальні дані: місця, камери й події вигадані" in page
        csrf = re.search(r'name="csrf" value="(\w+)"', page)
        assert csrf
        person.post("/power", csrf=csrf[1], site="school-tsybulkivka", to="off")
        _wait_until(lambda: "Немає світла" in person.get("/"))

        relay = re.search(r"rtsp://([0-9.:]+)/council-street", shown)
        assert relay
        password = (tmp_path / "secrets" / "relay-police").read_text().strip()
        address = f"rtsp://police:{password}@{relay[1]}/council-street"
        probe = ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-show_entries", "stream=codec_name", address]
        assert "h264" in subprocess.run(probe, capture_output=True, text=True, timeout=60, check=True).stdout
    finally:
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)


class _Browser:
    """A person's browser without the pictures: it keeps its cookie and follows where pages lead."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())

    def get(self, path: str) -> str:
        with self._opener.open(self._address + path, timeout=60) as answer:
            return str(answer.read().decode())

    def post(self, path: str, **form: str) -> None:
        body = urllib.parse.urlencode(form).encode()
        self._opener.open(self._address + path, body, timeout=60).close()


def test_doctor_names_the_camera_with_a_wrong_password_and_ctrl_c_ends_every_process(tmp_path: Path) -> None:
    demo = subprocess.Popen([*DEMO, "--data", str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert demo.stdout is not None
        _read_until(demo, "Ctrl-C")
        _wait_until(lambda: (tmp_path / "agent-council-mohyliv" / "inventory" / "inventory.json").exists())
        _wait_until(lambda: len(_family(demo)) >= 4)  # a centre, an agent and its two parts
        (tmp_path / "secrets" / "camera-council-yard").write_text("beket:wrong\n")
        doctor = [sys.executable, "-m", "beket", "doctor", "agent", "--config", "agent-council-mohyliv.toml"]
        examined = subprocess.run(doctor, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False)
        assert examined.returncode == 77, examined.stdout
        assert [line for line in examined.stdout.splitlines() if line.startswith("✗ Двір сільради")]
        assert "✔ Вулиця перед сільрадою" in examined.stdout
        assert "✔ ДБЖ сільради" in examined.stdout
        family = _family(demo)
        demo.send_signal(signal.SIGINT)
        demo.wait(60)
    finally:
        demo.kill()
        demo.communicate()
    gone, alive = psutil.wait_procs(family, timeout=30)
    assert not alive, f"{len(gone)} of {len(family)} ended"


def test_demo_fails_with_the_reason_when_what_is_required_cannot_be_shown(tmp_path: Path) -> None:
    shown = subprocess.run(
        [*DEMO, "--data", str(tmp_path), "--seconds", "1", "--require", "video"],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert shown.returncode == 69
    assert "Не показано: video" in shown.stdout


def test_demo_refuses_an_unknown_requirement(tmp_path: Path) -> None:
    shown = subprocess.run(
        [*DEMO, "--data", str(tmp_path), "--require", "weather"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert shown.returncode == 64
    assert "«weather»" in shown.stderr


def _assert_plays(clip: Path, *, seconds_min: float) -> None:
    wanted = "format=duration:stream=nb_read_frames"
    probe = ["ffprobe", "-v", "error", "-count_frames", "-show_entries", wanted, "-of", "default=nw=1:nk=1", str(clip)]
    probed = subprocess.run(probe, capture_output=True, text=True, timeout=60, check=True)
    assert not probed.stderr
    frames, duration_s = probed.stdout.split()
    assert float(duration_s) >= seconds_min
    assert int(frames) >= 0.8 * 10 * float(duration_s), "a busy machine may lose a few of ten frames a second"


def _engines_that_scrape(target: str, folder: Path, stack: contextlib.ExitStack) -> list[str]:
    """A Prometheus and a VictoriaMetrics that read the demo's page every few seconds; their addresses."""
    scrapes, whole = folder / "scrapes.yaml", yaml.safe_load(scrape_config(target, every=SCRAPE_EVERY))
    often = {"global": {"scrape_interval": SCRAPE_EVERY}, "scrape_configs": whole["scrape_configs"]}
    scrapes.write_text(json.dumps(often))
    flags = (f"-promscrape.config={scrapes}", "-promscrape.configCheckInterval=0")
    victoria = stack.enter_context(victoria_metrics(folder / "vm", *flags))
    prometheus_ = stack.enter_context(prometheus(folder / "prometheus", scrape_config(target, every=SCRAPE_EVERY)))
    return [victoria.url, prometheus_.url]


def _assert_pages_have_data(url: str, *, at_s: Sequence[float]) -> None:
    """Every query and rule is understood, every page shows something at one of these moments (a busy machine misses a
    scrape), and no name is a stranger to the catalogue.
    """
    filled, names = set(), set()
    for moment_s in at_s:
        for title, expression in (*QUERIES, *RULES):
            asked = as_grafana_asks(expression, "15s", community=MOHYLIV.id, device="router-council")
            if title not in filled and ask(url, asked, at_s=moment_s):
                filled.add(title)
        everything = ask(url, f'{{community="{MOHYLIV.id}"}}', at_s=moment_s)
        names |= {dict(labels)["__name__"] for labels in everything}
    empty = [page.uid for page in pages() if not any(title.startswith(f"{page.title}: ") for title in filled)]
    assert set(empty) <= {"beket-rest"}
    assert len(names) > 50
    assert names <= {metric.name for metric in full_catalogue()} | {"ALERTS", "ALERTS_FOR_STATE"}


def _assert_no_secret_leaks(data: Path) -> None:
    secrets = [file.read_text().strip() for file in (data / "secrets").iterdir()]
    secrets += [part for secret in secrets for part in secret.split(":")[1:]]
    secrets += [file.read_text().strip() for file in (data / "keys").iterdir() if file.suffix == ".key"]
    seen = _logs(data) + "".join(file.read_text() for file in data.glob("*.toml"))
    assert secrets
    assert not [secret for secret in secrets if secret in seen]


def _logs(data: Path) -> str:
    return "".join(file.read_text() for file in sorted((data / "logs").glob("*.log")))


def _read_until(process: "subprocess.Popen[str]", words: str) -> str:
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if words in line:
            return "".join(seen)
    pytest.fail("".join(seen))


def _family(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)
