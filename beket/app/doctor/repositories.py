"""Owns what the doctor looks at of backups on the centre's machine: the programs, and how each host's copies stand."""

import shutil
from collections.abc import Iterator
from contextlib import closing

from backup.repository.freshness import Shelf
from backup.repository.ledger import Ledger
from backup.repository.overview import contents_of, views_of
from backup.repository.server import find_program
from backup.repository.standing import Standing
from backup.restic.run import ResticMissing
from beket.app.config import CentreConfig
from beket.app.doctor.finding import Finding, bad, good, look, odd
from beket.kernel.clock import Clock
from beket.kernel.errors import BeketError
from beket.kernel.text import Text, plain, say

_FINE = frozenset({Standing.FRESH, Standing.EMPTY, Standing.ELSEWHERE})


def examine_repositories(config: CentreConfig, *, clock: Clock) -> Iterator[Finding]:
    """Look at the repositories and at what serves them."""
    if config.repositories.service.enabled:
        yield look(say("сервер сховищ", "repository server"), lambda: _program(config))
        yield look(plain("restic"), _restic)
    subject = say("копії", "backups")
    try:
        with closing(Ledger(config.data / "repositories.db")) as ledger:
            wall_ns = clock.wall_ns()
            contents = contents_of(config.repositories.folder, ledger, Shelf(), wall_ns=wall_ns)
            views = views_of(ledger, contents, wall_ns=wall_ns)
    except BeketError as error:
        yield bad(subject, error)
        return
    yield good(subject, say("сховищ: {n}", "repositories: {n}", n=len(contents)))
    for view in views:
        if view.standing not in _FINE:
            yield odd(plain(view.host), view.words)
        if view.damaged:
            words = say(
                "пошкоджено файлів: {n}; нічого не стирайте", "damaged files: {n}; delete nothing", n=view.damaged
            )
            yield odd(plain(view.host), words)


def _program(config: CentreConfig) -> Text:
    return plain(str(find_program(config.repositories.service.program)))


def _restic() -> Text:
    found = shutil.which("restic")
    if not found:
        raise ResticMissing
    return plain(found)
