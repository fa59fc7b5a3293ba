"""Wrong input, as an operator meets it: one clear sentence with place and remedy, and the rest keeps running."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

BEKET = [sys.executable, "-m", "beket"]


def run(*arguments: str, cwd: Path, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """Run `beket …` to its end."""
    return subprocess.run(
        [*BEKET, *arguments], cwd=cwd, input=stdin, capture_output=True, text=True, timeout=120, check=False
    )


def free_port() -> int:
    """A TCP port that nobody holds now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a right configuration of a centre and of an agent."""
    (tmp_path / "centre.toml").write_text(
        f"""
        data = "{tmp_path}/centre"
        keys = "{tmp_path}/keys"
        [community]
        id = "mohyliv"
        [agents]
        host = "127.0.0.1"
        port = {free_port()}
        names = ["127.0.0.1"]
        [pages]
        port = {free_port()}
        [recordings]
        folder = "{tmp_path}/video"
        free_floor_gib = 0
        """
    )
    (tmp_path / "agent.toml").write_text(
        f"""
        data = "{tmp_path}/agent"
        secrets = "{tmp_path}/secrets"
        [recordings]
        folder = "{tmp_path}/edge"
        free_floor_gib = 0
        """
    )
    return tmp_path


@contextlib.contextmanager
def running(*arguments: str, cwd: Path) -> Iterator["subprocess.Popen[str]"]:
    """`beket …` while the block runs; it is over afterwards."""
    process = subprocess.Popen([*BEKET, *arguments], cwd=cwd, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)
        assert process.stderr is not None
        process.stderr.close()


def replace(file: Path, old: str, new: str) -> None:
    """Change one thing in a file."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_every_mistake_of_a_configuration_is_one_sentence_with_place_and_hint(place: Path) -> None:
    replace(place / "centre.toml", "[pages]", "[pagez]")
    replace(place / "centre.toml", "free_floor_gib = 0", 'free_floor_gib = "much"')
    for arguments in (
        ("centre", "--config", "centre.toml"),
        ("config", "check", "centre", "centre.toml"),
        ("doctor", "centre", "--config", "centre.toml"),
    ):
        result = run(*arguments, cwd=place)
        assert result.returncode == 78
        lines = result.stderr.strip().splitlines()
        assert len(lines) == 2, lines
        assert "pagez" in result.stderr
        assert "Можливо, «pages»?" in result.stderr
        assert "recordings.free_floor_gib" in result.stderr
        assert "Traceback" not in result.stderr


def test_missing_configuration_says_how_to_make_one(place: Path) -> None:
    result = run("centre", "--config", "nowhere.toml", cwd=place)
    assert result.returncode == 78
    assert "beket config example" in result.stderr


def test_taken_port_is_one_sentence_at_start_and_in_the_doctor(place: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        text = (place / "centre.toml").read_text()
        (place / "centre.toml").write_text(text.replace("[pages]\n", f"[pages]\n# taken {port}\n"))
        lines = [line if "taken" not in line else "" for line in (place / "centre.toml").read_text().splitlines()]
        at = next(i for i, line in enumerate(lines) if line.strip() == "[pages]")
        pages = next(i for i in range(at, len(lines)) if lines[i].strip().startswith("port"))
        lines[pages] = f"port = {port}"
        (place / "centre.toml").write_text("\n".join(lines))
        started = run("centre", "--config", "centre.toml", cwd=place)
        examined = run("doctor", "centre", "--config", "centre.toml", cwd=place)
    assert started.returncode == examined.returncode == 75
    for words in (started.stderr, examined.stdout):
        assert f"pages.port: Порт {port} уже зайнятий іншою програмою." in words
        assert "ss -ltnp" in words


def test_agent_that_has_not_joined_says_how_to_join(place: Path) -> None:
    started = run("agent", "--config", "agent.toml", cwd=place)
    examined = run("doctor", "agent", "--config", "agent.toml", cwd=place)
    assert started.returncode == examined.returncode == 66
    assert "beket agent join" in started.stderr
    assert "beket agent join" in examined.stdout


def test_damaged_join_line_is_refused_in_one_sentence(place: Path) -> None:
    result = run("agent", "--config", "agent.toml", "join", cwd=place, stdin="beket-join-1.abc.def\n")
    assert result.returncode == 64
    assert "Скопіюйте рядок ще раз цілком" in result.stderr
    assert not (place / "agent" / "identity" / "centre.json").exists()


def test_secret_that_others_can_read_is_refused_with_the_command_that_mends_it(place: Path) -> None:
    line = place / "line"
    line.write_text("beket-join-1.x.y\n")
    line.chmod(0o644)
    result = run("agent", "--config", "agent.toml", "join", "--line-file", "line", cwd=place)
    assert result.returncode == 78
    assert "chmod 600" in result.stderr


def test_inventory_file_with_mistakes_changes_nothing_and_names_each_row(place: Path) -> None:
    (place / "cameras.csv").write_text(
        "Ідентифікатор;Назва;Об'єкт;Адреса потоку\ncam-1;Вулиця;nowhere;rtsp://user:pass@10.0.0.1/1\n",
        encoding="cp1251",
    )
    given = ("import", "cameras.csv", "--yes", "--reason", "проба")
    result = run("inventory", "--config", "centre.toml", *given, cwd=place)
    assert result.returncode in (64, 78)
    assert "рядок 2" in result.stderr.lower()
    assert "pass" not in result.stderr
    history = run("inventory", "--config", "centre.toml", "history", cwd=place)
    assert history.stdout.strip() == ""


def test_centre_that_lost_its_recording_disk_refuses_to_fill_the_root_disk(place: Path) -> None:
    with running("centre", "--config", "centre.toml", cwd=place):
        _wait_for(place / "video" / "beket-disk.json")
    (place / "video" / "beket-disk.json").unlink()
    started = run("centre", "--config", "centre.toml", cwd=place)
    examined = run("doctor", "centre", "--config", "centre.toml", cwd=place)
    assert started.returncode == examined.returncode == 78
    assert "beket-disk.json" in started.stderr
    assert "beket-disk.json" in examined.stdout


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
