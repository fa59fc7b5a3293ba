import os
import sys
import time
from pathlib import Path

import pytest

from beket.testing.process import ProgramFailed, free_tcp_port, output_of, port_answers, printed, running, wait_for
from beket.testing.programs import PARTS, Part, what_is_missing


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_running_ends_the_program_and_its_children() -> None:
    with running(["sh", "-c", "sleep 60 & echo child $!; wait"], ready=printed("child")) as program:
        child = int(program.output().split()[1])
        assert is_alive(child)
    assert not program.is_running()
    wait_for(lambda: not is_alive(child), what="the end of the child")


def test_running_ends_a_program_that_ignores_the_polite_signal() -> None:
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    with running([sys.executable, "-c", stubborn], ready=printed("up")) as program:
        program.end(within_s=0.1)
    assert not program.is_running()


def test_running_says_what_the_program_printed_when_it_fails() -> None:
    with (
        pytest.raises(ProgramFailed, match=r"(?s)ended with code 3.*no such camera"),
        running(["sh", "-c", "echo no such camera >&2; exit 3"], ready=printed("ready")),
    ):
        pass


def test_running_says_that_the_program_was_not_ready_in_time() -> None:
    with (
        pytest.raises(ProgramFailed, match="was not ready within"),
        running(["sleep", "60"], ready=printed("ready"), within_s=0.1),
    ):
        pass


def test_port_answers_waits_for_a_listener() -> None:
    port = free_tcp_port()
    server = [
        sys.executable,
        "-c",
        f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(60)",
    ]
    with running(server, ready=port_answers(port)) as program:
        assert program.is_running()


def test_freeze_stops_a_program_and_thaw_lets_it_go_on() -> None:
    ticker = "import time\nwhile True: print('.', end='', flush=True); time.sleep(0.01)"
    with running([sys.executable, "-c", ticker], ready=printed(".")) as program:
        program.freeze()
        before = program.output()
        time.sleep(0.05)
        assert len(program.output()) <= len(before) + 1
        program.thaw()
        program.wait_until(lambda p: len(p.output()) > len(before) + 1)


def test_output_of_returns_standard_output_and_names_the_failure() -> None:
    assert output_of("cat", stdin=b"hello") == "hello"
    with pytest.raises(ProgramFailed, match=r"(?s)code 2.*broken"):
        output_of("sh", "-c", "echo broken >&2; exit 2")
    with pytest.raises(ProgramFailed, match="took over"):
        output_of("sleep", "60", within_s=0.1)


def test_output_of_a_program_that_may_not_complain_fails_at_a_word_on_standard_error() -> None:
    complains = ("sh", "-c", "echo film; echo broken >&2")
    assert output_of(*complains) == "film\n"
    with pytest.raises(ProgramFailed, match=r"(?s)complains.*broken"):
        output_of(*complains, may_complain=False)
    assert output_of("echo", "film", may_complain=False) == "film\n"


def test_what_is_missing_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PARTS, "absent", Part("absent-package", lambda: False))
    monkeypatch.setitem(PARTS, "here", Part("here-package", lambda: True))
    assert what_is_missing(["here"]) is None
    sentence = what_is_missing(["here", "absent"])
    assert sentence == "this test runs the real absent, which is not installed: apt-get install absent-package"


def test_what_is_missing_refuses_a_name_nobody_explained() -> None:
    with pytest.raises(KeyError):
        what_is_missing([f"nonsense-{os.getpid()}"])
