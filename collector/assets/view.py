"""Owns what pages, commands and Grafana ask about computers: judged now, by whoever may see their site. Blocking."""

from collections import Counter
from collections.abc import Callable, Sequence

from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.ids import SiteId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import InventoryView
from collector.assets import metrics
from collector.assets.lists import LIST_WORDS, Fate, Judged, ListKind, judge_all, table
from collector.assets.rules import RULE_WORDS, Judge
from collector.assets.store import Computer, ComputerStore, Event
from collector.inventory.cells import guard
from collector.inventory.csv_files import rows_to_csv
from collector.inventory.xlsx import table_xlsx

Sees = Callable[[SiteId], bool]
FORMATS = ("csv", "xlsx")


class ComputersView:
    """The computers of one centre with what was found about them."""

    def __init__(self, store: ComputerStore, judge: Judge, inventory: InventoryView, *, clock: Clock) -> None:
        self._store = store
        self._judge = judge
        self._inventory = inventory
        self._clock = clock
        self._measured: set[SiteId] = set()

    def judged(self, sees: Sees) -> list[Judged]:
        """The computers of the sites that a person may see."""
        names = {site.id: f"{site.name}, {site.village}" for site in self._inventory.current().sites}
        seen = [computer for computer in self._store.computers() if sees(computer.site)]

        def place(computer: Computer) -> str:
            return names.get(computer.site, computer.site)

        return judge_all(seen, self._judge, place, self._clock.wall_ns())

    def events(self, sees: Sees, *, limit: int) -> list[Event]:
        """What changed in them, newest first."""
        return [event for event in self._store.events(limit=10 * limit) if sees(event.site)][:limit]

    def rows(self, kind: ListKind, all_judged: Sequence[Judged]) -> list[list[str]]:
        """A list as a table."""
        return table(kind, all_judged, self._judge)

    def file(self, kind: ListKind, file_format: str, sees: Sees) -> bytes:
        """A list as a file: names of programs come from outside, and a spreadsheet must not run them."""
        rows = [[guard(cell) for cell in row] for row in self.rows(kind, self.judged(sees))]
        return rows_to_csv(rows) if file_format == "csv" else table_xlsx(LIST_WORDS[kind].uk, rows)

    def measure(self, instruments: Instruments) -> None:
        """Show the numbers of each site."""
        by_site: dict[SiteId, list[Judged]] = {}
        for one in self.judged(lambda _: True):
            by_site.setdefault(one.computer.site, []).append(one)
        known = {site.id for site in self._inventory.current().sites}
        for site in sorted(known | self._measured | by_site.keys()):
            self._measure_site(instruments, site, by_site.get(site, []))
        self._measured |= by_site.keys()

    def _measure_site(self, instruments: Instruments, site: SiteId, judged: Sequence[Judged]) -> None:
        # A site without computers shows zeros: a number that stopped would stay as it was.
        instruments.set(metrics.KNOWN, len(judged), site=site)
        instruments.set(metrics.MODERN, sum(one.is_modern for one in judged) / max(1, len(judged)), site=site)
        instruments.set(metrics.URGENT, sum(one.is_urgent for one in judged), site=site)
        found = Counter(key for one in judged for key in {finding.key for finding in one.findings})
        for key in RULE_WORDS:
            instruments.set(metrics.FINDINGS, found[key], site=site, reason=key)
        for fate in Fate:
            instruments.set(metrics.FATES, sum(one.fate is fate for one in judged), site=site, reason=fate)
        now_ns = self._clock.wall_ns()
        oldest_ns = min((one.computer.heard_wall_ns for one in judged), default=now_ns)
        instruments.set(metrics.OLDEST_REPORT, max(0.0, (now_ns - oldest_ns) / NS_PER_S), site=site)
