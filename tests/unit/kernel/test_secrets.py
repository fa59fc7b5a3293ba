import copy
import json
import os
import pickle
import resource
import stat
import string
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from beket.kernel.errors import InvalidConfig, NotFound
from beket.kernel.secrets import (
    SECRET_MAX_BYTES,
    Secret,
    SecretFolder,
    read_secret_file,
    redact,
    write_secret_file,
)

SECRETS = st.text(alphabet=string.ascii_letters + string.digits + "!#$%&()*+,-.;=?@[]^_{|}~", min_size=8, max_size=40)
LINES = [
    "open rtsp://admin:{secret}@10.0.0.5:554/1",
    "['ffmpeg', '-i', 'rtsp://admin:{secret}@10.0.0.5/1']",
    "push to https://:{secret}@restic.example/repo failed",
    "Authorization: Bearer {secret}",
    "headers={{'Authorization': 'Token {secret}', 'Accept': '*/*'}}",
    'Authorization: Digest username="admin", response="{secret}"',
    "authorization=Basic {secret}",
    "Cookie: session={secret}",
    "password={secret}",
    "password = '{secret}' refused",
    '{{"password":"{secret}","user":"a"}}',
    "snmp_community={secret} host=10.0.0.1",
    "community: {secret}",
    "POST /api?token={secret}",
    "api_key={secret}",
    "пароль: {secret}",
    "PASSWD={secret}",
]


def write(path: Path, raw: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(raw)
    path.chmod(mode)
    return path


def test_secret_is_never_printed_formatted_pickled_copied_or_encoded() -> None:
    secret = Secret("hunter2")
    shown = f"{secret} {secret!s} {secret!r} {[secret]} {(secret,)} {{1: {secret}}} %s" % secret
    assert "hunter2" not in shown
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps, msgspec.json.encode, hash, vars):
        with pytest.raises(TypeError):
            attempt(secret)


def test_secret_tells_itself_apart_and_reveals_when_asked() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert Secret("пароль").reveal() == "пароль"


def test_secret_file_comes_back_as_written_with_mode_0600(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "camera"
    write_secret_file(path, Secret("admin:пароль"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert read_secret_file(path) == Secret("admin:пароль")


def test_key_is_never_overwritten(tmp_path: Path) -> None:
    write_secret_file(tmp_path / "key", Secret("first"))
    with pytest.raises(FileExistsError):
        write_secret_file(tmp_path / "key", Secret("second"))
    assert read_secret_file(tmp_path / "key") == Secret("first")


def test_half_written_key_does_not_stay(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            write_secret_file(tmp_path / "key", Secret("x" * 100))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_secret_that_others_can_read_is_refused_with_the_command_to_run(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path / "key", b"x\n", mode)
    with pytest.raises(InvalidConfig) as caught:
        read_secret_file(path)
    assert f"chmod 600 {path}" in caught.value.sentence().uk


@pytest.mark.parametrize("raw", [b"", b"\n", b"\xff\xfe", b"x" * (SECRET_MAX_BYTES + 1)])
def test_file_without_one_readable_secret_is_refused(tmp_path: Path, raw: bytes) -> None:
    with pytest.raises(InvalidConfig):
        read_secret_file(write(tmp_path / "key", raw))


def test_folder_or_pipe_in_the_place_of_a_secret_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(InvalidConfig):
            read_secret_file(path)


def test_missing_secret_says_which_file_to_write(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        SecretFolder(tmp_path).get("camera-gate")
    assert str(tmp_path / "camera-gate") in caught.value.sentence().uk


@pytest.mark.parametrize("name", ["../key", "/etc/shadow", "", ".", "a/b", "Ключ", "key\n"])
def test_secret_folder_gives_only_what_lies_in_it(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    write(tmp_path / "key", b"outside")
    with pytest.raises(NotFound):
        SecretFolder(folder).get(name)


def test_secret_folder_reads_anew_each_time(tmp_path: Path) -> None:
    folder = SecretFolder(tmp_path)
    write(tmp_path / "key", b"old\n")
    assert folder.get("key") == Secret("old")
    write(tmp_path / "key", b"new\r\n")
    assert folder.get("key") == Secret("new")


@pytest.mark.parametrize("line", LINES)
@given(secret=SECRETS)
def test_secret_in_a_typical_line_does_not_survive(line: str, secret: str) -> None:
    assume(secret not in line)
    shown = redact(line.format(secret=secret))
    assert "•••" in shown
    assert secret not in shown
    assert redact(shown) == shown


@pytest.mark.parametrize(
    "line",
    [
        "GET http://10.0.0.5:8080/status 200",
        "rtsp://10.0.0.5/1 answered in 12 ms",
        "password_file = /etc/beket/password",
        "the community has 12 settlements",
        "tokens 5, secrets 3",
        "e-mail to admin@example.org at 12:05",
    ],
)
def test_line_without_a_secret_stays_as_it_is(line: str) -> None:
    assert redact(line) == line


@pytest.mark.parametrize(
    "hostile", ["a." * 100_000, "a://" * 50_000, "a://b:" * 30_000, "password" + " " * 200_000, 'password="\\' * 20_000]
)
def test_hostile_line_costs_no_more_than_its_length(hostile: str) -> None:
    began_s = time.process_time()
    redact(hostile)
    assert time.process_time() - began_s < 3
