"""A host's copies reach the centre over TLS through the real rclone, append-only, by a login that only they know."""

import asyncio
import base64
import contextlib
import os
import re
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from backup.repository import accounts, second_copy, server
from backup.repository.keyring import Holder, Keyring
from backup.repository.ledger import Ledger
from backup.repository.remote import RemotePlace
from backup.repository.second_copy import SecondPlace
from backup.repository.server import Serving, arguments_of, find_program
from backup.repository.service import Service
from backup.restic import commands
from backup.restic.commands import Repository
from backup.restic.outcome import OutcomeKind, classify
from backup.restic.run import find_restic
from beket.access import tls
from beket.kernel.clock import SystemClock
from beket.kernel.errors import NoSpace
from beket.kernel.ids import AgentId, SiteId
from beket.kernel.secrets import Secret, write_secret_file
from beket.testing.process import free_tcp_port
from beket.testing.restic import FIRST_FILE, make_backup_place

pytestmark = [pytest.mark.needs("restic", "rclone"), pytest.mark.timeout(180)]

HOST, OTHER = AgentId("council-1a2b3c4d"), AgentId("school-5e6f7a8b")


class Centre:
    """A centre's repositories, with the server running."""

    def __init__(self, folder: Path, service: Service, port: int) -> None:
        self.folder = folder
        self.service = service
        self.port = port

    async def enter(self, agent: AgentId) -> Repository:
        """Let a host in, and keep what it gets as the host does."""
        place = RemotePlace(self.folder / agent, "127.0.0.1")
        access = await self.service.admit(agent, SiteId("council"), needs_key=not place.key.exists())
        await asyncio.to_thread(place.save, access)
        repository = place.repository()
        assert repository is not None
        return repository

    def login_of(self, repository: Repository) -> str:
        """Login and password that a host keeps in its file."""
        assert repository.location_file is not None
        return repository.location_file.read_text().split("://")[1].split("@")[0]

    def status_of(self, method: str, path: str, login: str) -> int:
        """What the server answers to a bare request."""
        context = ssl.create_default_context(cafile=str(self.folder / "keys" / "centre.crt"))
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}{path}", method=method)
        if login:
            request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
        try:
            with urllib.request.urlopen(request, context=context, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code


@contextlib.asynccontextmanager
async def running_centre(folder: Path) -> AsyncIterator[Centre]:
    clock, port = SystemClock(), free_tcp_port()
    certificate, key, _ = tls.server_files(folder / "keys", ["127.0.0.1"])
    ledger = Ledger(folder / "repositories.db")
    secrets = folder / "keys" / "repositories"
    secrets.mkdir(mode=0o700)
    keyring = Keyring(
        folder / "repositories", secrets, await find_restic("restic", clock=clock), ledger, clock, asyncio.Lock()
    )
    service = Service(keyring, secrets / "accounts", certificate, port, lambda _: None)
    keyring.repositories.mkdir()
    service.write_accounts()
    serving = Serving(keyring.repositories, "127.0.0.1", port, service.accounts_file, certificate, key)
    at_work = asyncio.create_task(server.serve(find_program("rclone"), serving))
    try:
        await _until_it_listens(port)
        yield Centre(folder, service, port)
        assert not at_work.done()
    finally:
        at_work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await at_work
        ledger.close()


async def _until_it_listens(port: int) -> None:
    for _ in range(500):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the server does not listen")


def test_host_can_add_to_its_own_repository_and_nothing_else(tmp_path: Path) -> None:
    async def story() -> None:
        place = make_backup_place(tmp_path / "host")
        async with running_centre(tmp_path) as centre:
            keyring, restic = centre.service.keyring, centre.service.keyring.restic
            repository = await centre.enter(HOST)
            ended = await restic.run(commands.backup(repository, [place.source]))
            assert (ended.exit_code, ended.items) == (0, [])
            (snapshot,) = (keyring.repositories / HOST / "snapshots").iterdir()
            assert snapshot.stat().st_mode & 0o077 == 0
            keyring.ledger.add_host(OTHER, "school", wall_ns=0)
            keyring.ledger.set_credential(OTHER, accounts.hashed(Secret("other")))
            centre.service.write_accounts()
            mine, config = centre.login_of(repository), f"/{HOST}/config"
            answers = [
                ("GET", config, mine, 200),
                ("GET", config, f"{OTHER}:other", 403),
                ("GET", config, "", 401),
                ("GET", config, f"{HOST}:other", 401),
                ("GET", f"/{OTHER}/config", f"{OTHER}:other", 404),
                ("DELETE", config, mine, 403),
                ("DELETE", f"/{HOST}/snapshots/{snapshot.name}", mine, 403),
                ("POST", f"/{HOST}/snapshots/{snapshot.name}", mine, 403),  # no overwriting either
            ]
            for method, path, login, status in answers:
                assert await asyncio.to_thread(centre.status_of, method, path, login) == status, (method, path)
            _assert_nothing_secret_is_shown(repository, mine)
            await _assert_a_neighbour_keeps_its_second_copy_here(centre)
            await _assert_new_login_and_key_end_the_old_ones(centre, repository)

    asyncio.run(story())


def _assert_nothing_secret_is_shown(repository: Repository, login: str) -> None:
    secrets = [login.split(":")[1], repository.password_file.read_text().strip()]
    shown = " ".join(commands.snapshots(repository).arguments)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            shown += (process / "cmdline").read_text(errors="replace")
            if (process / "comm").read_text() == "rclone\n":
                shown += (process / "environ").read_text(errors="replace")
    assert "rclone\0serve\0restic" in shown
    assert not [secret for secret in secrets if secret in shown]


async def _assert_a_neighbour_keeps_its_second_copy_here(centre: "Centre") -> None:
    """The centre is its own neighbour: over the server, by a login of its own, below its own folder."""
    keyring = centre.service.keyring
    given = centre.folder / "neighbour.address"
    write_secret_file(given, Secret(centre.service.admit_guest("neighbour", address="127.0.0.1").strip()))
    place = SecondPlace(address_file=given, ca_file=centre.service.certificate)
    outcome = await second_copy.copy_host(keyring, HOST, place)
    assert outcome.kind is OutcomeKind.OK, outcome
    kept = keyring.repositories / "neighbour" / HOST
    assert len(list((kept / "snapshots").iterdir())) == 1


async def _assert_new_login_and_key_end_the_old_ones(centre: "Centre", repository: Repository) -> None:
    keyring, config = centre.service.keyring, f"/{HOST}/config"
    old_login, old_key = centre.login_of(repository), Secret(repository.password_file.read_text().strip())
    repository.password_file.unlink()  # a machine that lost its files
    again = await centre.enter(HOST)
    assert await asyncio.to_thread(centre.status_of, "GET", config, old_login) == 401
    assert await asyncio.to_thread(centre.status_of, "GET", config, centre.login_of(again)) == 200
    assert (await keyring.try_key(HOST, Holder.HOST, old_key)).kind is OutcomeKind.AUTH
    assert classify(await keyring.restic.run(commands.snapshots(again))).kind is OutcomeKind.OK
    known = {key.key: key.holder for key in keyring.ledger.known_keys()}
    assert sorted(known.values()) == ["centre", "host"]
    assert set(known) == {path.name for path in (keyring.repositories / HOST / "keys").iterdir()}
    centre.service.suspend(HOST, accounts.Suspension.QUOTA)
    assert await asyncio.to_thread(centre.status_of, "GET", config, centre.login_of(again)) == 401
    with pytest.raises(NoSpace, match="used up"):
        await centre.service.admit(HOST, SiteId("council"), needs_key=False)
    centre.service.suspend(HOST, "")
    assert await asyncio.to_thread(centre.status_of, "GET", config, centre.login_of(again)) == 200


def test_both_servers_are_told_to_append_only_over_tls_with_private_repositories(tmp_path: Path) -> None:
    serving = Serving(tmp_path, "0.0.0.0", 1, tmp_path / "accounts", tmp_path / "crt", tmp_path / "key")
    for program in ("rest-server", "rclone"):
        words = " ".join(arguments_of(Path("/usr/bin") / program, serving))
        assert "--append-only" in words
        assert "--private-repos" in words
        assert "htpasswd" in words
        assert str(tmp_path / "key") in words


# The whole story, through the commands -------------------------------------------------------------------------------

BEKET = [sys.executable, "-m", "beket"]
INVENTORY = "community: {id: mohyliv, name: Могилів}\nsites:\n  - {id: council, name: Сільрада, village: Могилів}\n"


class Town:
    """A centre that takes backups and a council that sends its documents there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = make_backup_place(folder)
        self.repositories_port = free_tcp_port()
        (folder / "inventory.yaml").write_text(INVENTORY)
        (folder / "centre.toml").write_text(
            f'data = "{folder}/centre"\nkeys = "{folder}/keys"\n[community]\nid = "mohyliv"\nname = "Могилів"\n'
            f'[agents]\nhost = "127.0.0.1"\nport = {free_tcp_port()}\nnames = ["127.0.0.1"]\n'
            f"[pages]\nport = {free_tcp_port()}\n"
            f'[recordings]\nfolder = "{folder}/video"\nfree_floor_gib = 0\n'
            f'[repositories]\nfolder = "{folder}/repositories"\nlook_every_s = 0.5\n'
            f'[repositories.service]\nenabled = true\nhost = "127.0.0.1"\nport = {self.repositories_port}\n'
            'program = "rclone"\n'
        )
        (folder / "agent.toml").write_text(
            f'data = "{folder}/agent"\nsecrets = "{folder}/secrets"\n'
            f'[recordings]\nfolder = "{folder}/edge"\nfree_floor_gib = 0\n'
            '[backup]\nrepository = "centre"\nlook_every_s = 0.5\nrandom_delay_s = 0\n'
            f'[[backup.plans]]\nid = "documents"\nname = "Документи бухгалтерії"\npaths = ["{self.place.source}"]\n'
        )

    def beket(self, *arguments: str, stdin: str = "", code: int = 0) -> str:
        done = subprocess.run(
            [*BEKET, *arguments], cwd=self.folder, input=stdin, capture_output=True, text=True, timeout=90, check=False
        )
        assert done.returncode == code, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    @contextlib.contextmanager
    def centre(self) -> Iterator["subprocess.Popen[bytes]"]:
        with (self.folder / "centre.log").open("ab") as log:
            process = subprocess.Popen([*BEKET, "centre", "--config", "centre.toml"], cwd=self.folder, stderr=log)
        try:
            _wait_until(lambda: self.listens(), self)
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(30)

    def listens(self) -> bool:
        with contextlib.suppress(OSError), contextlib.closing(_connection(self.repositories_port)):
            return True
        return False

    def log(self) -> str:
        return (self.folder / "centre.log").read_text()


def test_documents_reach_the_centres_server_and_come_back(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.beket("inventory", "--config", "centre.toml", "import", "inventory.yaml", "--yes", "--reason", "перша")
    with town.centre() as centre:
        line = town.beket("centre", "--config", "centre.toml", "join-line", "council")
        town.beket("agent", "--config", "agent.toml", "join", stdin=line)
        assert "Копію зроблено" in town.beket("backup", "--config", "agent.toml", "run")
        (repository,) = (tmp_path / "repositories").iterdir()
        assert repository.name.startswith("council-")
        assert len(list((repository / "snapshots").iterdir())) == 1
        # The centre dies without a word; its server must not stay behind and hold the port.
        os.kill(centre.pid, signal.SIGKILL)
        _wait_until(lambda: not town.listens(), town)
    with town.centre():
        (town.place.source / "нове.txt").write_text("нове")
        assert "Копію зроблено" in town.beket("backup", "--config", "agent.toml", "run")
        town.beket("backup", "--config", "agent.toml", "restore", "--plan", "documents", "--to", "назад")
    restored = tmp_path / "назад" / str(town.place.source).lstrip("/") / FIRST_FILE
    assert restored.read_text() == "накладна\n"
    _assert_the_centre_can_see_forget_and_escrow(town, repository.name)
    (way_in,) = (tmp_path / "agent" / "repository").iterdir()
    secrets = [(way_in / name).read_text().strip() for name in ("address", "key")]
    assert not [secret for secret in secrets if secret in town.log()]


def _assert_the_centre_can_see_forget_and_escrow(town: Town, host: str) -> None:
    def centre(*words: str, stdin: str = "") -> str:
        return town.beket("backup", words[0], "--config", "centre.toml", *words[1:], stdin=stdin)

    assert f"{host}: копії свіжі" in centre("hosts")
    assert "Забувати нічого" in centre("forget", host)
    centre("escrow", host, "--sheet", "аркуш.html")
    sheet = town.folder / "аркуш.html"
    assert "Сільрада" in sheet.read_text()
    assert sheet.stat().st_mode & 0o077 == 0
    key = "-".join(re.findall(r"</small>(\w{5})</span>", sheet.read_text()))
    assert "відкриває сховище" in centre("escrow", host, "--try", stdin=f"{key.lower()}\n")


def _connection(port: int) -> "contextlib.closing[object]":
    import socket

    return socket.create_connection(("127.0.0.1", port), timeout=1)  # type: ignore[return-value]


def _wait_until(is_so: Callable[[], bool], town: Town) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, town.log()
        time.sleep(0.1)
