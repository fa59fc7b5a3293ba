"""Copies of configurations from gear over a real sshd: what is kept, what never is, what people are told."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backup.configs.copier import Copier, load_marks
from backup.configs.families import shipped_families
from backup.configs.sealing import OpeningKey
from backup.configs.store import ConfigStore, Look, LookOutcome
from beket.kernel.clock import SystemClock
from beket.kernel.ids import SiteId
from beket.testing.sshd import OLD_ALGORITHMS
from tests.integration.agents.hosts.gear_kit import ROUTER, GearAtHand, gear_at_hand

GEAR = Path(__file__).parents[3] / "fixtures" / "gear"
COUNCIL = SiteId("council")
V7 = (GEAR / "mikrotik-7.txt").read_text()
IOS = (GEAR / "cisco-ios.txt").read_text()
HISTORY = (
    "Flags: U - UNDOABLE\nColumns: ACTION, BY, POLICY\n  ACTION                 BY         POLICY\n"
    "U address changed        petrenko   write\nU item added             admin      write\n"
)
pytestmark = pytest.mark.needs("ssh", "sshd", "pam_wrapper")


@dataclass(frozen=True)
class Bench:
    gear: GearAtHand
    store: ConfigStore
    key: OpeningKey
    copier: Copier

    def look(self, family: str = "mikrotik") -> Look:
        return self.copier.look(ROUTER, family)

    def has(self, **files: str) -> None:
        for name, text in files.items():
            (self.gear.state / name.replace("_", "-")).write_text(text)

    def opened(self) -> str:
        copy = self.store.newest(COUNCIL, ROUTER)
        assert copy is not None
        return self.key.open(copy.sealed, device=ROUTER, taken_ns=copy.sealed_ns)


@contextlib.contextmanager
def bench(folder: Path, script: str, family: str, files: dict[str, str], **options: object) -> Iterator[Bench]:
    with gear_at_hand(folder, script, family, files=files, **options) as gear:  # type: ignore[arg-type] # as given
        store = ConfigStore(folder / "configs.db", kept=10)
        key = OpeningKey.load_or_create(folder / "gear.key")
        copier = Copier(
            site=COUNCIL,
            shells=gear.shells,
            families=shipped_families(),
            store=store,
            marks=load_marks(folder / "marks.key"),
            public_key=key.public,
            clock=SystemClock(),
        )
        try:
            yield Bench(gear, store, key, copier)
        finally:
            store.close()


def test_routeros_is_copied_whole_and_a_change_is_found_with_who_made_it(tmp_path: Path) -> None:
    with bench(tmp_path, "routeros", "mikrotik", {"running-config": V7, "history": HISTORY}) as b:
        assert b.look().outcome is LookOutcome.FIRST
        assert b.opened() == V7
        b.has(running_config=V7.replace("14:05:11", "15:00:00"))
        assert b.look().outcome is LookOutcome.UNCHANGED
        b.has(running_config=V7.replace("10.20.1.1/24", "10.20.1.2/24").replace("14:05:11", "16:00:00"))
        look = b.look()
        assert look.outcome is LookOutcome.CHANGED
        assert "petrenko" in look.reason.uk
        copy = b.store.newest(COUNCIL, ROUTER)
        assert copy is not None
        assert (copy.added, copy.removed, copy.who, copy.version) == (1, 1, "petrenko", "7.16.1")
        assert copy.since_ns is not None
        assert copy.since_ns < copy.taken_ns
        assert len(b.store.history(COUNCIL, ROUTER)) == 2
        assert b"S3CRET" not in (tmp_path / "configs.db").read_bytes()


def test_routeros_6_is_asked_without_the_words_it_does_not_know(tmp_path: Path) -> None:
    v6 = (GEAR / "mikrotik-6.txt").read_text()
    with bench(tmp_path, "routeros", "mikrotik", {"running-config": v6, "is-v6": ""}) as b:
        assert b.look().outcome is LookOutcome.FIRST
        assert b.opened() == v6
        assert "/export" in b.gear.asked()


def test_a_changed_password_shows_as_a_change_and_not_as_a_word(tmp_path: Path) -> None:
    with bench(tmp_path, "routeros", "mikrotik", {"running-config": V7}) as b:
        b.look()
        b.has(running_config=V7.replace("S3CRETppp", "N3Wsecret"))
        assert b.look().outcome is LookOutcome.CHANGED
        copy = b.store.newest(COUNCIL, ROUTER)
        assert copy is not None
        assert (copy.added, copy.removed) == (1, 1)
        assert "N3W" not in copy.masked
        assert "N3Wsecret" in b.opened()


@pytest.mark.parametrize("extra", [(), OLD_ALGORITHMS], ids=["strong", "weak"])
def test_ios_is_copied_through_its_command_line(tmp_path: Path, extra: tuple[str, ...]) -> None:
    version = "Cisco IOS Software, C2960 Software, Version 15.2(7)E4, RELEASE\nuptime is 3 weeks\n"
    files = {"show-running-config": IOS, "show-version": version}
    with bench(tmp_path, "ios", "cisco-ios", files, extra_config=extra) as b:
        look = b.look("cisco-ios")
        assert (look.outcome, look.is_weak) == (LookOutcome.FIRST, bool(extra))
        assert b.opened() == IOS
        copy = b.store.newest(COUNCIL, ROUTER)
        assert copy is not None
        assert copy.version == "15.2(7)E4"
        b.has(show_running_config=IOS.replace("17179902", "1").replace("by petrenko", "by shevchenko"))
        assert b.look("cisco-ios").outcome is LookOutcome.UNCHANGED
        b.has(show_running_config=IOS.replace("room 3", "room 4").replace("by petrenko", "by shevchenko"))
        assert "shevchenko" in b.look("cisco-ios").reason.uk


@pytest.mark.parametrize(
    ("script", "family", "fixture", "command"),
    [
        ("dlink", "dlink", "dlink", "show-config-current_config"),
        ("ios", "dlink-new", "dlink-new", "show-running-config"),
        ("tplink", "tp-link", "tp-link", "show-running-config"),
        ("linux", "ubiquiti-airos", "ubiquiti-airos", "sort-_tmp_system.cfg"),
    ],
)
def test_other_families_are_copied(tmp_path: Path, script: str, family: str, fixture: str, command: str) -> None:
    raw = (GEAR / f"{fixture}.txt").read_text()
    files = {command: raw.removeprefix("Command: show config current_config\n\n")}
    with bench(tmp_path, script, family, files) as b:
        look = b.look(family)
        assert look.outcome is LookOutcome.FIRST, look.reason.en
        assert b.opened() == raw
        assert b.look(family).outcome is LookOutcome.UNCHANGED


def test_a_torn_answer_is_never_kept(tmp_path: Path) -> None:
    files = {"show-running-config": IOS, "cuts-in": "show running-config"}
    with bench(tmp_path, "ios", "cisco-ios", files) as b:
        assert b.look("cisco-ios").outcome is LookOutcome.AWAY
        (b.gear.state / "cuts-in").unlink()
        b.has(show_running_config=IOS[: len(IOS) // 2])
        look = b.look("cisco-ios")
        assert look.outcome is LookOutcome.NOT_WHOLE
        assert b.store.newest(COUNCIL, ROUTER) is None
        assert look.good_ns is None
        b.has(show_running_config=IOS)
        assert b.look("cisco-ios").outcome is LookOutcome.FIRST


def test_a_shrunken_export_is_believed_only_when_read_twice_alike(tmp_path: Path) -> None:
    """RouterOS has no end mark: half an export looks whole; a reset device gives the same half again."""
    with bench(tmp_path, "routeros", "mikrotik", {"running-config": V7}) as b:
        b.look()
        b.has(running_config="".join(V7.splitlines(keepends=True)[:20]))
        assert b.look().outcome is LookOutcome.CHANGED
        exports = [command for command in b.gear.asked() if command == "/export show-sensitive"]
        assert len(exports) == 4  # the first copy twice, the shrunken one twice


def test_a_refusal_is_told_apart_from_absence_and_keeps_the_last_good_look(tmp_path: Path) -> None:
    with bench(tmp_path, "routeros", "mikrotik", {"running-config": V7}) as b:
        good = b.look()
        b.has(running_config="not enough permissions (9)\n")
        look = b.look()
        assert look.outcome is LookOutcome.NOT_WHOLE
        assert look.good_ns == good.looked_ns
        b.gear.server.program.kill()
        assert b.look().outcome is LookOutcome.AWAY
        assert b.look("huawei").outcome is LookOutcome.FAILED
        assert len(b.store.history(COUNCIL, ROUTER)) == 1
