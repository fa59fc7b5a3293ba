"""A line that is down, and a centre that lets a host in no longer: what it costs, and what a person reads."""

import asyncio
import random
import re
from pathlib import Path

import pytest

from backup.history import History
from backup.plans import RETRY_STEPS_S, Plan, is_due
from backup.repository.remote import RemotePlace
from backup.restic.commands import Repository
from backup.restic.outcome import OutcomeKind
from backup.restic.run import find_restic
from backup.runner import Tools
from backup.sources.hooks import Hook
from beket.app.config import AgentConfig
from beket.app.wiring import centre_repository
from beket.app.wiring.backup import Backups, is_line_back, run_plan
from beket.app.wiring.centre_repository import WayIn
from beket.kernel.clock import NS_PER_S, SimulatedClock, SystemClock
from beket.kernel.errors import BeketError, Forbidden, NoSpace, NotFound, Unauthenticated, Unreachable
from beket.kernel.ids import SiteId
from beket.kernel.secrets import Secret, write_secret_file
from beket.kernel.text import say
from beket.testing.restic import make_backup_place, plain_repository_server
from beket.testing.tcp_proxy import TcpProxy, tcp_proxy
from tests.backup_town import Town

pytestmark = [pytest.mark.needs("restic", "rclone"), pytest.mark.timeout(600)]


# What everybody may have: less than one copy takes.
QUOTA = "quota_gib = 0.0001\n"


class Later(SystemClock):
    """A clock that somebody moves on."""

    by_s = 0.0

    def wall_ns(self) -> int:
        """The time that it pretends."""
        return super().wall_ns() + round(self.by_s * NS_PER_S)

    def mono_ns(self) -> int:
        """The same, monotonic."""
        return super().mono_ns() + round(self.by_s * NS_PER_S)


def test_line_that_is_down_costs_no_hook_and_no_try_a_minute_and_its_return_is_seen(tmp_path: Path) -> None:
    place, clock = make_backup_place(tmp_path), Later()
    ran = tmp_path / "ran"
    plan = Plan("documents", "Документи", SiteId("council"), (place.source,), before=(Hook(("touch", str(ran)), 30),))

    async def whole(proxy: TcpProxy) -> None:
        history = History(tmp_path / "backup.db")
        repository = Repository(f"rest:http://127.0.0.1:{proxy.port}/", place.password_file, host="council")
        restic = await find_restic("restic", clock=clock)
        tools = Tools(restic, repository, history, clock, random.Random(1), "boot", asyncio.Lock())
        backups = Backups(AgentConfig().backup, [plan], tools, None)  # type: ignore[arg-type] # no agent's files here

        async def is_due_now() -> bool:
            wall_ns = clock.wall_ns()
            standing = history.standing(plan.id, wall_ns=wall_ns)
            return is_due(plan, standing, wall_ns=wall_ns) or await is_line_back(
                backups, plan, standing, wall_ns=wall_ns
            )

        try:
            assert (await run_plan(backups, plan)).kind is OutcomeKind.DEFERRED
            assert not ran.exists()
            tries = 1
            for _ in range(6 * 60):
                clock.by_s += 60
                if await is_due_now():
                    assert (await run_plan(backups, plan)).kind is OutcomeKind.DEFERRED
                    tries += 1
            assert 6 <= tries <= 8  # 5 and 15 minutes, then each hour
            clock.by_s += RETRY_STEPS_S[0] + 60
            assert not await is_due_now()
            proxy.restore()
            assert await is_due_now()
            outcome = await run_plan(backups, plan)
            assert outcome.kind is OutcomeKind.OK, outcome
            assert ran.exists()
            clock.by_s += RETRY_STEPS_S[0] + 60
            assert not await is_due_now()
        finally:
            history.close()

    write_secret_file(place.password_file, Secret("наш"))
    place.bare("init")
    with plain_repository_server(place.repository) as port, tcp_proxy(port) as proxy:
        proxy.cut()
        asyncio.run(whole(proxy))


def test_host_over_its_allowance_reads_the_centres_own_sentence(tmp_path: Path) -> None:
    town = Town(tmp_path)
    config = tmp_path / "centre.toml"
    config.write_text(config.read_text().replace("look_every_s", "measure_every_s = 60\nlook_every_s") + QUOTA)
    town.beket("inventory", "--config", "centre.toml", "import", "inventory.yaml", "--yes", "--reason", "перша")
    with town.centre():
        town.join()
        assert "Копію зроблено" in town.beket("backup", "--config", "agent.toml", "run")
        (repository,) = (tmp_path / "repositories").iterdir()
        accounts = next((tmp_path / "keys").rglob("accounts"))
        assert repository.name in accounts.read_text()
    with town.centre():  # it measures when it starts
        town.wait_until(lambda: repository.name not in accounts.read_text())
        said = town.beket("backup", "--config", "agent.toml", "run", code=74)
        assert "Місце для копій цього комп'ютера вичерпано" in said
        assert "конверт" not in said
        assert "Місце для копій" in town.beket("backup", "--config", "agent.toml", "status")


def test_host_whose_login_is_void_gets_another_and_is_not_sent_to_the_envelope(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.beket("inventory", "--config", "centre.toml", "import", "inventory.yaml", "--yes", "--reason", "перша")
    with town.centre():
        town.join()
        assert "Копію зроблено" in town.beket("backup", "--config", "agent.toml", "run")
        (address,) = (tmp_path / "agent" / "repository").glob("*/address")
        address.write_text(re.sub(r":[^:@/]+@", ":wrong@", address.read_text()))
        said = town.beket("backup", "--config", "agent.toml", "run", code=77)
        assert "не впускає цей комп'ютер" in said
        assert "конверт" not in said
        assert "замок" not in town.beket("backup", "--config", "agent.toml", "status")
        _cut_a_run_short(tmp_path / "agent" / "backup.db")
        assert "могло лишити у сховищі свій замок" in town.beket("backup", "--config", "agent.toml", "status")
        assert "Копію зроблено" in town.beket("backup", "--config", "agent.toml", "run")
        assert "замок" not in town.beket("backup", "--config", "agent.toml", "status")


def _cut_a_run_short(database: Path) -> None:
    """As a power cut does: a row without an end, which the next start of the agent finds."""
    history = History(database)
    history.begin("documents", wall_ns=SystemClock().wall_ns(), boot="before")
    history.close_interrupted(boot="now", wall_ns=SystemClock().wall_ns())
    history.close()


@pytest.mark.parametrize("refusal", [NoSpace, Forbidden, Unauthenticated, NotFound])
def test_centre_is_asked_now_and_then_only_and_its_word_is_kept_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: type[BeketError]
) -> None:
    asked: list[BeketError | None] = []
    answers: list[BeketError | None] = [refusal(say("Ні.", "No.")), None, Unreachable(say("Немає.", "Away."))]

    async def enter(*_: object) -> None:
        asked.append(answers[len(asked)])
        if asked[-1]:
            raise asked[-1]

    monkeypatch.setattr(centre_repository, "enter", enter)
    clock = SimulatedClock()
    place = RemotePlace(tmp_path, "centre")
    way_in = WayIn(place, None, None, clock=clock)  # type: ignore[arg-type] # nobody looks at who asks

    async def ask_for(minutes: int) -> list[BeketError | None]:
        heard = []
        for _ in range(minutes):
            heard.append(await way_in.ask())
            clock.pass_time(60)
        return heard

    heard = asyncio.run(ask_for(45))
    assert len(asked) == 3
    assert heard == [asked[0]] * 15 + [None] * 30
