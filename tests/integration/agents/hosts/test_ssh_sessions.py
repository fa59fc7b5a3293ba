"""Sessions with devices over a real sshd: keys, logins, weak gear, errors; command lines are scripted."""

import logging
import socket
import struct
import sys
import threading
from pathlib import Path

import pytest

from agents.hosts.host_keys import ChangedHostKey, HostKey, UnknownHostKey
from agents.hosts.link import OnlyWeak
from beket.kernel.errors import InvalidConfig, NotFound, ProtocolError, TimedOut, Unauthenticated, Unreachable
from beket.kernel.ids import DeviceId
from beket.kernel.secrets import Secret, write_secret_file
from beket.testing.process import free_tcp_port, printed, running
from beket.testing.sshd import OLD_ALGORITHMS, command_lines_with, gear_command, hang_up_all, make_key, public_key, sshd
from tests.integration.agents.hosts.gear_kit import ROUTER, gear_at_hand

EXPORT = "# 2026-11-29 14:00:00 by RouterOS 7.16\n/interface bridge\nadd name=bridge1\n"
STRANGER = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
while True:
    caller, _ = server.accept()
    caller.sendall(b"HTTP/1.1 400 Bad Request\\r\\n" * 2000)
    caller.close()
"""
pytestmark = pytest.mark.needs("ssh", "sshd", "pam_wrapper")


def test_a_command_without_a_terminal_gives_its_lines(tmp_path: Path) -> None:
    with gear_at_hand(tmp_path, "routeros", "mikrotik", files={"running-config": EXPORT}) as gear:
        with gear.shells.open(ROUTER) as session:
            assert session.run("/export") == EXPORT
            assert not session.is_weak
            assert "bad command name" in session.run("/frobnicate")
        assert gear.asked() == ["/export", "/frobnicate"]


def test_a_private_key_logs_in_as_well(tmp_path: Path) -> None:
    with gear_at_hand(tmp_path, "routeros", "mikrotik", files={"running-config": EXPORT}) as gear:
        write_secret_file(tmp_path / "secrets" / "router-key", Secret(gear.server.user_key.read_text().strip()))
        with gear.open_with(secret="router-key").open(ROUTER) as session:
            assert session.run("/export") == EXPORT


def test_a_private_key_that_is_none_is_told_without_quoting_it(tmp_path: Path) -> None:
    with gear_at_hand(tmp_path, "routeros", "mikrotik") as gear:
        write_secret_file(tmp_path / "secrets" / "router-key", Secret("-----BEGIN RSA PRIVATE KEY-----\nrubbish"))
        with pytest.raises(InvalidConfig) as caught, gear.open_with(secret="router-key").open(ROUTER):
            pass
    assert "rubbish" not in f"{caught.value.sentence().en} {caught.value!r}"
    assert caught.value.__cause__ is None


def test_a_wrong_password_is_one_sentence(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with gear_at_hand(tmp_path, "routeros", "mikrotik") as gear:
        write_secret_file(tmp_path / "secrets" / "other", Secret("not-this-word"))
        with pytest.raises(Unauthenticated, match="refuses the login"), gear.open_with(secret="other").open(ROUTER):
            pass
    assert "not-this-word" not in caplog.text


def test_a_host_key_that_nobody_approved_gets_no_login(tmp_path: Path) -> None:
    with gear_at_hand(tmp_path, "routeros", "mikrotik", files={"running-config": EXPORT}) as gear:
        shells = gear.open_with(host_key="")
        with pytest.raises(UnknownHostKey) as caught, shells.open(ROUTER):
            pass
        assert gear.server.fingerprint in caught.value.message.uk
        assert "Accepted" not in gear.server.program.output()
        assert "Failed password" not in gear.server.program.output()
        gear.keys.approve(ROUTER, gear.server.fingerprint)
        with shells.open(ROUTER) as session:
            assert session.run("/export") == EXPORT


def test_a_changed_host_key_is_one_sentence_and_no_login(tmp_path: Path) -> None:
    with gear_at_hand(tmp_path, "routeros", "mikrotik") as gear, gear.shells.open(ROUTER):
        pass
    port = gear.server.port
    with sshd(gear_command("routeros", gear.state), port=port, password="anything") as another:
        with pytest.raises(ChangedHostKey) as caught, gear.open_with(host_key="").open(ROUTER):
            pass
        assert another.fingerprint in caught.value.message.uk
        assert gear.server.fingerprint in caught.value.message.uk
        output = another.program.output()
        assert "password" not in output
        assert "Accepted" not in output


def test_of_several_host_keys_the_known_one_is_asked_for(tmp_path: Path) -> None:
    """An sshd that got an ed25519 key with an update still shows the RSA key that it is known by."""
    rsa, newer = make_key(tmp_path / "rsa", kind="rsa"), make_key(tmp_path / "ed25519")
    with gear_at_hand(tmp_path, "routeros", "mikrotik", host_key=rsa, extra_config=[f"HostKey {newer}"]) as gear:
        with pytest.raises(UnknownHostKey), gear.open_with(host_key="").open(ROUTER):
            pass
        gear.keys.know(ROUTER, HostKey(*public_key(rsa)))
        with gear.open_with(host_key="").open(ROUTER) as session:
            assert "bad command" in session.run("/x")


@pytest.mark.parametrize(("script", "family"), [("routeros", "mikrotik"), ("ios", "cisco-ios")])
def test_gear_that_knows_only_sha1_is_read_and_marked_weak(tmp_path: Path, script: str, family: str) -> None:
    files = {"running-config": EXPORT, "show-version": "Cisco IOS Software\n"}
    with gear_at_hand(tmp_path, script, family, files=files, extra_config=OLD_ALGORITHMS) as gear:
        command = "/export" if script == "routeros" else "show version"
        with gear.shells.open(ROUTER) as session:
            assert session.is_weak
            assert session.run(command) == files["running-config" if script == "routeros" else "show-version"]
            assert not command_lines_with("correct horse, 'staple'")


def test_weak_gear_is_known_by_its_key_too(tmp_path: Path) -> None:
    with gear_at_hand(tmp_path, "routeros", "mikrotik", extra_config=OLD_ALGORITHMS) as gear:
        with pytest.raises(UnknownHostKey), gear.open_with(host_key="").open(ROUTER):
            pass
        with pytest.raises(ChangedHostKey), gear.open_with(host_key="SHA256:" + "A" * 43).open(ROUTER):
            pass
        assert "Failed password" not in gear.server.program.output()
        gear.keys.approve(ROUTER, gear.server.fingerprint)
        with gear.open_with(host_key="").open(ROUTER) as session:
            assert "bad command" in session.run("/x")


def test_weak_gear_takes_a_key_and_refuses_a_wrong_password(tmp_path: Path) -> None:
    extra = ["PubkeyAcceptedAlgorithms ssh-rsa,ssh-ed25519", *OLD_ALGORITHMS]
    rsa = make_key(tmp_path / "rsa", kind="rsa")
    with gear_at_hand(tmp_path, "routeros", "mikrotik", host_key=rsa, extra_config=extra) as gear:
        write_secret_file(tmp_path / "secrets" / "router-key", Secret(gear.server.user_key.read_text().strip()))
        write_secret_file(tmp_path / "secrets" / "wrong", Secret("no"))
        with gear.open_with(secret="router-key").open(ROUTER) as session:
            assert "bad command" in session.run("/x")
        with (
            gear.open_with(secret="wrong").open(ROUTER) as session,
            pytest.raises(Unauthenticated, match="refuses the login"),
        ):
            session.run("/x")


def test_weak_gear_can_be_forbidden(tmp_path: Path) -> None:
    with (
        gear_at_hand(tmp_path, "routeros", "mikrotik", extra_config=OLD_ALGORITHMS) as gear,
        pytest.raises(OnlyWeak),
        gear.open_with(may_be_weak=False).open(ROUTER),
    ):
        pass


def test_nobody_there_is_unreachable_and_a_stranger_is_not_understood(tmp_path: Path) -> None:
    with gear_at_hand(tmp_path, "routeros", "mikrotik") as gear:
        with pytest.raises(Unreachable), gear.open_with(port=free_tcp_port()).open(ROUTER):
            pass
        with pytest.raises(NotFound, match="not known"), gear.shells.open(DeviceId("another")):
            pass
        with pytest.raises(NotFound), gear.open_with(secret="absent").open(ROUTER):
            pass
        port = free_tcp_port()
        with (
            running([sys.executable, "-c", STRANGER, str(port)], ready=printed("ready")),
            pytest.raises((ProtocolError, Unreachable)),
            gear.open_with(port=port).open(ROUTER),
        ):
            pass


def test_a_silent_host_costs_its_time_and_no_more(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, gear_at_hand(tmp_path, "routeros", "mikrotik") as gear:
        port = silent.getsockname()[1]
        with pytest.raises(TimedOut), gear.open_with(port=port, timeout_s=1).open(ROUTER):
            pass


@pytest.mark.parametrize("resets", [True, False], ids=["reset", "closed"])
def test_a_host_that_hangs_up_instead_of_greeting_is_unreachable(tmp_path: Path, resets: bool) -> None:
    def hang_up() -> None:
        taken, _ = host.accept()
        if resets:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        taken.close()

    with socket.create_server(("127.0.0.1", 0)) as host, gear_at_hand(tmp_path, "routeros", "mikrotik") as gear:
        hanging_up = threading.Thread(target=hang_up)
        hanging_up.start()
        with pytest.raises(Unreachable), gear.open_with(port=host.getsockname()[1]).open(ROUTER):
            pass
        hanging_up.join()


def test_answers_are_bounded_in_size_and_time(tmp_path: Path) -> None:
    files = {"running-config": "a line of it\n" * 20_000, "hangs-on": "/system resource print"}
    with gear_at_hand(tmp_path, "routeros", "mikrotik", files=files) as gear, gear.shells.open(ROUTER) as session:
        with pytest.raises(ProtocolError, match="too long"):
            session.run("/export", max_bytes=100_000)
        with pytest.raises(TimedOut):
            session.run("/system resource print", within_s=0.5)


@pytest.mark.parametrize("extra", [(), OLD_ALGORITHMS], ids=["strong", "weak"])
@pytest.mark.parametrize(("script", "family"), [("routeros", "mikrotik"), ("ios", "cisco-ios")])
def test_a_cut_in_the_middle_of_an_answer_is_told(
    tmp_path: Path, script: str, family: str, extra: tuple[str, ...]
) -> None:
    files = {"hangs-on": "show clock"}
    with (
        gear_at_hand(tmp_path, script, family, files=files, extra_config=extra) as gear,
        gear.shells.open(ROUTER) as session,
    ):
        cutter = threading.Timer(1.0, hang_up_all, [gear.server])
        cutter.start()
        if script == "ios":
            with pytest.raises(Unreachable):
                session.run("show clock", within_s=60)
        else:
            (gear.state / "hangs-on").write_text("/export")
            with pytest.raises(Unreachable):
                session.run("/export", within_s=60)
        cutter.join()
