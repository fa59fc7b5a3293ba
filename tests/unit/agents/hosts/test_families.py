"""Families are data: the shipped files hold, and every mistake of a file is told with its place."""

import re
from pathlib import Path

import pytest

from agents.hosts.families import family_named, load_family, shipped_families
from beket.kernel.config import ConfigMistakes
from beket.kernel.errors import NotFound

PROMPTS = {
    "cisco-ios": ["SW-COUNCIL>", "SW-COUNCIL#", "core.sw1#"],
    "dlink": ["DES-3200-10:5#", "DGS-1210-28:admin#"],
    "dlink-new": ["Switch>", "DGS-1510-28#"],
    "tp-link": ["T1600G-28TS>", "T1600G-28TS#"],
    "ubiquiti-edgeswitch": ["(UBNT EdgeSwitch) >", "(UBNT EdgeSwitch) #"],
    "ubiquiti-edgeos": ["ubnt@ubnt:~$ ", "petrenko@router-council:~$"],
}


def test_shipped_families_hold_and_know_their_prompts() -> None:
    families = shipped_families()
    assert {"mikrotik", "linux", "ubiquiti-airos", *PROMPTS} <= set(families)
    for name, prompts in PROMPTS.items():
        for prompt in prompts:
            assert re.fullmatch(families[name].shell.prompt, prompt), (name, prompt)


def test_an_unknown_family_is_told_with_those_that_there_are() -> None:
    with pytest.raises(NotFound, match="mikrotik"):
        family_named(shipped_families(), "mikrotk")


def test_every_mistake_of_a_file_is_told(tmp_path: Path) -> None:
    file = tmp_path / "odd.toml"
    file.write_text('title = "Odd"\n[shell]\nprompt = "("\npager = "["\n[shell.enable]\ncommand = "x"\nproof = "*"\n')
    with pytest.raises(ConfigMistakes) as caught:
        load_family(file)
    assert [mistake.place for mistake in caught.value.mistakes] == ["shell.prompt", "shell.pager", "shell.enable.proof"]
    file.write_text('title = "Odd"\n[shell]\nmood = "bad"\n')
    with pytest.raises(ConfigMistakes, match="mood"):
        load_family(file)
