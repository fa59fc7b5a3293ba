"""Texts of configurations: noise gives no change, secrets leave no trace, what is not whole is told; each family."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup.configs import text
from backup.configs.families import Family, family_named, load_family, shipped_families
from backup.configs.text import Marks, NotWhole, check_whole, comparable, masked
from beket.kernel.config import ConfigMistakes
from beket.kernel.errors import NotFound

GEAR = Path(__file__).parents[3] / "fixtures" / "gear"
FAMILIES = shipped_families()
FIXTURES = {
    "mikrotik-7": "mikrotik",
    "mikrotik-6": "mikrotik",
    "cisco-ios": "cisco-ios",
    "dlink": "dlink",
    "dlink-new": "dlink-new",
    "tp-link": "tp-link",
    "ubiquiti-airos": "ubiquiti-airos",
    "ubiquiti-edgeswitch": "ubiquiti-edgeswitch",
    "ubiquiti-edgeos": "ubiquiti-edgeos",
}
MARKS = Marks(b"k" * 32)
# What each device's clock, uptime and counters write anew without anybody's doing.
NOISE = {
    "mikrotik-7": [("14:05:11", "23:59:01"), ("short_circuit", "overload"), ("# inactive time\n", "")],
    "mikrotik-6": [("nov/29", "dec/01"), ("# poe-out status: short_circuit\n", "")],
    "cisco-ios": [("17179902", "17179955"), ("2187", "2190"), ("13:02:44", "13:05:00"), ("petrenko", "shevchenko")],
    "dlink": [("12 days 4 hours", "13 days 1 hours"), ("14:05:11", "15:00:00")],
    "dlink-new": [("12 days", "15 days"), ("1893", "1894")],
    "tp-link": [("14:05:11", "23:05:11")],
    "ubiquiti-airos": [
        ("bridge.1.devname=br0\nnetconf.1.ip=10.20.1.20", "netconf.1.ip=10.20.1.20\nbridge.1.devname=br0")
    ],
    "ubiquiti-edgeswitch": [("12 days", "15 days"), ("12:05:11", "13:05:11")],
    "ubiquiti-edgeos": [("\nset system ntp", "\n\nset system ntp")],
}
CHANGE = {
    "mikrotik-7": ("10.20.1.1/24", "10.20.1.2/24"),
    "mikrotik-6": ("RouterOS 6.49.18", "RouterOS 6.49.19"),
    "cisco-ios": ("vlan 10", "vlan 20"),
    "dlink": ("tag 30", "tag 31"),
    "dlink-new": ("description school", "description club"),
    "tp-link": ("vlan 30", "vlan 31"),
    "ubiquiti-airos": ("5180", "5200"),
    "ubiquiti-edgeswitch": ("vlan 30", "vlan 31"),
    "ubiquiti-edgeos": ("10.20.1.1/24", "10.20.1.2/24"),
}


def _shown(raw: str, family: Family) -> str:
    return masked(comparable(raw, family), family, device="d", marks=MARKS)


@pytest.fixture(params=FIXTURES)
def gear(request: pytest.FixtureRequest) -> tuple[str, str, Family]:
    name: str = request.param
    return name, (GEAR / f"{name}.txt").read_text(), FAMILIES[FIXTURES[name]]


def test_a_configuration_is_whole(gear: tuple[str, str, Family]) -> None:
    check_whole(gear[1], gear[2], device="d")


def test_an_unchanged_device_gives_an_unchanged_text(gear: tuple[str, str, Family]) -> None:
    name, raw, family = gear
    later = raw
    for before, after in NOISE[name]:
        assert before in later
        later = later.replace(before, after)
    assert _shown(later, family) == _shown(raw, family)


def test_a_real_change_shows(gear: tuple[str, str, Family]) -> None:
    name, raw, family = gear
    assert CHANGE[name][0] in raw
    assert _shown(raw.replace(*CHANGE[name]), family) != _shown(raw, family)


def test_no_secret_is_seen_and_a_changed_one_shows(gear: tuple[str, str, Family]) -> None:
    _, raw, family = gear
    shown = _shown(raw, family)
    assert "S3CRET" in raw
    assert "S3CRET" not in shown
    for secret in set(re.findall(r"S3CRET\w+", raw)):
        assert _shown(raw.replace(secret, secret + "x"), family) != shown, secret


def test_what_is_no_secret_stays(gear: tuple[str, str, Family]) -> None:
    """Every mark stands where a secret was: masking hides nothing else."""
    _, raw, family = gear
    secrets = len([line for line in comparable(raw, family).splitlines() if "S3CRET" in line])
    marked = [line for line in _shown(raw, family).splitlines() if "•••" in line]
    assert len(marked) in (secrets, secrets + ("ipaddr" in raw))


def test_a_marked_text_is_not_marked_again(gear: tuple[str, str, Family]) -> None:
    _, raw, family = gear
    shown = _shown(raw, family)
    assert masked(shown, family, device="d", marks=MARKS) == shown


def test_equal_secrets_have_marks_of_their_own() -> None:
    assert MARKS.mark("a", "x", "s") != MARKS.mark("b", "x", "s") != MARKS.mark("a", "y", "s")
    assert MARKS.mark("a", "x", "s") != Marks(b"another").mark("a", "x", "s")


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9])
def test_a_torn_text_is_never_whole(gear: tuple[str, str, Family], share: float) -> None:
    """Families with an end mark; the others are held by the way they are read, and by reading twice."""
    name, raw, family = gear
    if not family.file.whole.ends:
        assert name.startswith(("mikrotik", "dlink", "ubiquiti"))
        return
    with pytest.raises(NotWhole):
        check_whole(raw[: int(len(raw) * share)], family, device="d")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("mikrotik", "bad command name export (line 1 column 2)\n"),
        ("mikrotik", "expected end of command (line 1 column 9)\n"),
        ("mikrotik", ""),
        ("mikrotik", "# 2026-11-29 14:05:11 by RouterOS 7.16\n/ip\n#error exporting /ip/address\n/x\n/y\n"),
        ("mikrotik", "# 2026-11-29 14:05:11 by RouterOS 7.16\n/ip address\nadd address=1\nadd comment=\\\n"),
        ("mikrotik", "/ip address\nadd address=1\nadd address=2\nadd address=3\nadd address=4\n"),
        ("cisco-ios", "            ^\n% Invalid input detected at '^' marker.\n"),
        ("cisco-ios", "Command authorization failed.\n"),
        ("cisco-ios", "!\nversion 15\n!\nhostname x\n --More-- \n!\n!\nend\n"),
        ("dlink", "Available commands:\n ..  ?  clear\n"),
        ("ubiquiti-airos", "sort: /tmp/system.cfg: No such file or directory\n"),
        ("tp-link", "  Error: Invalid parameter.\n"),
        ("ubiquiti-edgeos", "\n  Invalid command: show [confguration]\n\n"),
        ("ubiquiti-edgeos", "-vbash: show: command not found\n"),
    ],
)
def test_what_is_no_configuration_is_told(name: str, answer: str) -> None:
    with pytest.raises(NotWhole) as caught:
        check_whole(answer, FAMILIES[name], device="router")
    assert caught.value.subject == "router"
    assert caught.value.message.uk != caught.value.message.en


SECRETS_OF_ROUTEROS = re.compile(
    r'(?<= )[\w-]*(?:password|passphrase|pre-shared-key|private-key|secret)=(?:\\\n +)?(?:"(?:[^"\\]|\\.)*"|\S+)'
)


@pytest.mark.parametrize("name", ["mikrotik-7", "mikrotik-6"])
def test_an_export_without_any_secret_is_no_copy_and_says_what_right_the_login_lacks(name: str) -> None:
    raw = (GEAR / f"{name}.txt").read_text()
    hidden = SECRETS_OF_ROUTEROS.sub("", raw)
    assert set(re.findall(r"S3CRET\w+", hidden)) == {"S3CRETcommunity"}  # a community's name is shown to everybody
    with pytest.raises(NotWhole, match="policy sensitive") as caught:
        check_whole(hidden, FAMILIES["mikrotik"], device="d")
    assert "право sensitive" in caught.value.message.uk
    # One password that is empty among others that are not says nothing of rights.
    check_whole(raw.replace("password=S3CRETppp ", ""), FAMILIES["mikrotik"], device="d")


def test_a_switch_that_has_no_use_for_secrets_needs_none() -> None:
    lines = ["/interface bridge", "add name=bridge1", "/interface wireless security-profiles"]
    plain = "\n".join(["# 2026-11-29 14:05:11 by RouterOS 7.16", *lines, "set [ find default=yes ] x=y", "/x", "/y"])
    check_whole(plain + "\n", FAMILIES["mikrotik"], device="d")


def test_stars_in_place_of_passwords_are_no_copy() -> None:
    raw = (GEAR / "ubiquiti-edgeos.txt").read_text()
    stars = re.sub(r"'?\$6\$[^']*'?", "****************", raw)
    with pytest.raises(NotWhole, match="level admin"):
        check_whole(stars, FAMILIES["ubiquiti-edgeos"], device="d")


def test_bounds_hold() -> None:
    with pytest.raises(NotWhole, match="too long"):
        check_whole("!\n" * (text.LINES_MAX + 1) + "end\n", FAMILIES["cisco-ios"], device="d")
    assert text.has_shrunk("x" * 59, "y" * 100)
    assert not text.has_shrunk("x" * 61, "y" * 100)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=400))
def test_any_text_is_handled_and_settles(raw: str) -> None:
    for family in FAMILIES.values():
        shown = _shown(raw, family)
        assert shown.endswith("\n")
        if not family.file.joined:
            assert comparable(shown, family) == shown


def test_hostile_lines_cost_little() -> None:
    """Patterns of families meet lines of 60 KB that were made to hurt them."""
    lines = ["a." * 30_000, "password=" * 6000, " key" * 15_000, '"' * 60_000, "name=" + "\\" * 60_000, "\t" * 60_000]
    for family in FAMILIES.values():
        assert _shown("\n".join(lines), family)


def test_families_are_data_and_their_mistakes_are_told(tmp_path: Path) -> None:
    file = tmp_path / "odd.toml"
    file.write_text(
        'title = "Odd"\nconfiguration = ["show"]\nrefused = "("\nnoise = ["["]\n'
        '[[secrets]]\npattern = "key (.*)"\n[who]\npattern = "by (?P<name>.*)"\n'
    )
    with pytest.raises(ConfigMistakes) as caught:
        load_family(file)
    places = {mistake.place for mistake in caught.value.mistakes}
    assert places == {"refused", "noise[0]", "secrets[0].pattern", "who.pattern"}
    with pytest.raises(NotFound, match="mikrotik"):
        family_named(FAMILIES, "huawei")
