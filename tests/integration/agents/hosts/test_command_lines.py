"""Interactive command lines as vendors draw them: prompts, pagers, colours, echo, privileges; over a real sshd."""

from pathlib import Path

import pytest

from beket.kernel.errors import ProtocolError, TimedOut, Unauthenticated, Unreachable
from beket.kernel.secrets import Secret, write_secret_file
from beket.testing.process import wait_for
from beket.testing.sshd import OLD_ALGORITHMS
from tests.integration.agents.hosts.gear_kit import ROUTER, gear_at_hand

CONFIG = "".join(
    ["Building configuration...\n\n!\nhostname SW-COUNCIL\n!\n"]
    + [f"interface FastEthernet0/{port}\n description room {port}\n!\n" for port in range(1, 49)]
    + ["banner motd ^C\nSW-COUNCIL# is what the prompt looks like\n^C\nend\n"]
)
IOS = {"show-running-config": CONFIG, "show-version": "Cisco IOS Software, C2960\n"}
pytestmark = pytest.mark.needs("ssh", "sshd", "pam_wrapper")


@pytest.mark.parametrize("extra", [(), OLD_ALGORITHMS], ids=["strong", "weak"])
def test_ios_becomes_privileged_turns_paging_off_and_answers_whole(tmp_path: Path, extra: tuple[str, ...]) -> None:
    files = {**IOS, "enable-secret": "level 15"}
    with gear_at_hand(tmp_path, "ios", "cisco-ios", files=files, extra_config=extra) as gear:
        write_secret_file(tmp_path / "secrets" / "enable", Secret("level 15"))
        with gear.open_with(enable_secret="enable").open(ROUTER) as session:
            assert session.run("show running-config") == CONFIG
            assert session.run("show version") == "Cisco IOS Software, C2960\n"
        assert gear.asked()[:3] == ["enable", "terminal length 0", "terminal width 0"]
        wait_for(lambda: gear.asked()[-1] == "exit", within_s=30)


def test_a_wrong_or_missing_enable_password_is_one_sentence(tmp_path: Path) -> None:
    with gear_at_hand(tmp_path, "ios", "cisco-ios", files={**IOS, "enable-secret": "level 15"}) as gear:
        with pytest.raises(Unauthenticated, match="privileged"), gear.shells.open(ROUTER):
            pass
        write_secret_file(tmp_path / "secrets" / "enable", Secret("wrong"))
        with pytest.raises(Unauthenticated, match="privileged"), gear.open_with(enable_secret="enable").open(ROUTER):
            pass


@pytest.mark.parametrize(
    ("script", "family"), [("ios", "paged-ios"), ("dlink", "paged-dlink"), ("tplink", "paged-tp-link")]
)
def test_pages_are_turned_and_leave_no_trace(tmp_path: Path, script: str, family: str) -> None:
    """Gear that cannot turn its pager off, or forgets that it was told to."""
    with gear_at_hand(tmp_path, script, family, files=IOS) as gear, gear.shells.open(ROUTER) as session:
        answer = session.run("show running-config")
    expected = f"Command: show running-config\n\n{CONFIG}" if script == "dlink" else CONFIG
    assert answer == expected


@pytest.mark.parametrize("script", ["ios", "dlink", "tplink"])
def test_a_slow_line_changes_nothing(tmp_path: Path, script: str) -> None:
    """Seven bytes at a time: sequences, prompts and pagers come in pieces."""
    family = {"ios": "cisco-ios", "dlink": "dlink", "tplink": "tp-link"}[script]
    with (
        gear_at_hand(tmp_path, script, family, files={**IOS, "is-slow": ""}) as gear,
        gear.shells.open(ROUTER) as session,
    ):
        answer = session.run("show running-config")
    assert answer.endswith(CONFIG)


def test_what_a_device_does_not_know_is_an_answer_and_no_error(tmp_path: Path) -> None:
    with gear_at_hand(tmp_path, "ios", "cisco-ios", files=IOS) as gear, gear.shells.open(ROUTER) as session:
        assert "% Invalid input" in session.run("show nonsense")
        assert session.run("show version") == IOS["show-version"]


def test_an_answer_whose_last_line_has_no_end_is_read(tmp_path: Path) -> None:
    with (
        gear_at_hand(tmp_path, "ios", "cisco-ios", files={**IOS, "show-version": "one\ntwo"}) as gear,
        gear.shells.open(ROUTER) as session,
    ):
        assert session.run("show version") == "one\ntwo\n"


def test_a_session_that_ends_in_the_middle_is_no_answer(tmp_path: Path) -> None:
    with (
        gear_at_hand(tmp_path, "ios", "cisco-ios", files={**IOS, "cuts-in": "show running-config"}) as gear,
        gear.shells.open(ROUTER) as session,
        pytest.raises(Unreachable, match="cut the connection"),
    ):
        session.run("show running-config")


def test_a_command_line_of_another_family_is_told_in_time(tmp_path: Path) -> None:
    with (
        gear_at_hand(tmp_path, "ios", "ubiquiti-edgeswitch", files=IOS) as gear,
        pytest.raises(TimedOut),
        gear.open_with(timeout_s=2).open(ROUTER),
    ):
        pass


def test_an_endless_answer_is_cut_off(tmp_path: Path) -> None:
    files = {**IOS, "show-log": "one line of the log\n" * 50_000}
    with (
        gear_at_hand(tmp_path, "ios", "cisco-ios", files=files) as gear,
        gear.shells.open(ROUTER) as session,
        pytest.raises(ProtocolError, match="too long"),
    ):
        session.run("show log", max_bytes=200_000)
