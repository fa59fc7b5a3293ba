"""The training community's computers, through the agent's own parser and the centre's own rules."""

import datetime
import json

import msgspec

from agents.computers.windows_output import parse_windows
from beket.kernel.clock import wall_ns_of
from beket.kernel.ids import AgentId
from beket.sim.community import inventory
from beket.sim.computers import COMPUTERS
from beket.sim.places import MOHYLIV
from collector.assets.lists import Fate, ListKind, judge_all, table
from collector.assets.messages import read_report
from collector.assets.rule_files import load_rules
from collector.assets.rules import Judge
from collector.assets.store import Computer

NOW_NS = wall_ns_of(datetime.datetime(2026, 11, 29, tzinfo=datetime.UTC))


def test_each_stands_at_a_site_of_the_community_and_answers_whole() -> None:
    sites = {site.id for site in inventory(MOHYLIV).sites}
    for computer in COMPUTERS:
        assert computer.site in sites
        report = parse_windows(computer.recording())
        assert (report.name, report.unread) == (computer.name, ())
        assert json.loads(computer.recording().splitlines()[-1]) == {"section": "end"}


def test_together_they_show_every_fate_and_fill_every_list() -> None:
    judge = Judge(load_rules())
    told = [read_report(msgspec.json.encode(parse_windows(one.recording()))) for one in COMPUTERS]
    computers = [
        Computer(AgentId(one.name), one.site, NOW_NS, NOW_NS, NOW_NS, report)
        for one, report in zip(COMPUTERS, told, strict=True)
    ]
    judged = judge_all(computers, judge, lambda one: str(one.site), NOW_NS)
    assert [one.fate for one in judged] == [Fate.WRITE_OFF, Fate.KEEP, Fate.REUSE]
    for kind in ListKind:
        assert len(table(kind, judged, judge)) > 1, kind
