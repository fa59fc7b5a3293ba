"""A host's copies reach the centre over TLS through the real server, append-only, by a login that only they know.

The server is rclone; `BEKET_REPOSITORY_SERVER=restic-rest-server` runs the same against Debian 13's.
"""

import asyncio
import base64
import contextlib
import os
import shutil
import ssl
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
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
from beket.testing.restic import make_backup_place

pytestmark = [pytest.mark.needs("restic", "rclone"), pytest.mark.timeout(600)]

SERVER = os.environ.get("BEKET_REPOSITORY_SERVER", "rclone")
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

    async def until(self, method: str, path: str, login: str, statuses: set[int]) -> None:
        """Wait until the server answers so; it needs a moment to see that its accounts have changed."""
        found = 0
        for _ in range(50):
            found = await asyncio.to_thread(self.status_of, method, path, login)
            if found in statuses:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"{method} {path}: {found}, not {statuses}")

    def status_of(self, method: str, path: str, login: str) -> int:
        """What the server answers to a bare request."""
        context = ssl.create_default_context(cafile=str(self.folder / "keys" / "centre.crt"))
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}{path}", method=method)
        if login:
            request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
        try:
            with urllib.request.urlopen(request, context=context, timeout=60) as answer:
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
    at_work = asyncio.create_task(server.serve(find_program(SERVER), serving, clock=clock))
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
            assert (ended.exit_code, ended.items) == (0, []), ended.words
            (snapshot,) = (keyring.repositories / HOST / "snapshots").iterdir()
            assert snapshot.stat().st_mode & 0o077 == 0
            keyring.ledger.add_host(OTHER, "school", wall_ns=0)
            keyring.ledger.set_credential(OTHER, accounts.hashed(Secret("other")))
            centre.service.write_accounts()
            mine, config = centre.login_of(repository), f"/{HOST}/config"
            answers = [
                ("GET", f"/{OTHER}/config", f"{OTHER}:other", {404}),  # it is let in, and nothing is there yet
                ("GET", config, mine, {200}),
                ("GET", config, f"{OTHER}:other", {401, 403}),
                ("GET", config, "", {401}),
                ("GET", config, f"{HOST}:other", {401}),
                ("DELETE", config, mine, {403}),
                ("DELETE", f"/{HOST}/snapshots/{snapshot.name}", mine, {403}),
                ("POST", f"/{HOST}/snapshots/{snapshot.name}", mine, {403}),  # no overwriting either
            ]
            for method, path, login, statuses in answers:
                await centre.until(method, path, login, statuses)
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
            if (process / "comm").read_text() == f"{SERVER[:15]}\n":
                shown += (process / "environ").read_text(errors="replace")
    assert f"{SERVER}\0" in shown
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
    shutil.rmtree(kept)  # the neighbours' disk is away: that must not look like a place where nothing ever was
    outcome = await second_copy.copy_host(keyring, HOST, place)
    assert (outcome.kind, kept.exists()) == (OutcomeKind.MISSING, False)
    assert "--prepare" in outcome.reason.uk
    outcome = await second_copy.copy_host(keyring, HOST, place, is_new_place=True)
    assert outcome.kind is OutcomeKind.OK, outcome


async def _assert_new_login_and_key_end_the_old_ones(centre: "Centre", repository: Repository) -> None:
    keyring, config = centre.service.keyring, f"/{HOST}/config"
    old_login, old_key = centre.login_of(repository), Secret(repository.password_file.read_text().strip())
    repository.password_file.unlink()  # a machine that lost its files
    again = await centre.enter(HOST)
    await centre.until("GET", config, old_login, {401})
    await centre.until("GET", config, centre.login_of(again), {200})
    assert (await keyring.try_key(HOST, Holder.HOST, old_key)).kind is OutcomeKind.AUTH
    assert classify(await keyring.restic.run(commands.snapshots(again))).kind is OutcomeKind.OK
    known = {key.key: key.holder for key in keyring.ledger.known_keys()}
    assert sorted(known.values()) == ["centre", "host"]
    assert set(known) == {path.name for path in (keyring.repositories / HOST / "keys").iterdir()}
    centre.service.suspend(HOST, accounts.Suspension.QUOTA)
    await centre.until("GET", config, centre.login_of(again), {401})
    with pytest.raises(NoSpace, match="used up"):
        await centre.service.admit(HOST, SiteId("council"), needs_key=False)
    centre.service.suspend(HOST, "")
    await centre.until("GET", config, centre.login_of(again), {200})


def test_both_servers_are_told_to_append_only_over_tls_with_private_repositories(tmp_path: Path) -> None:
    serving = Serving(tmp_path, "0.0.0.0", 1, tmp_path / "accounts", tmp_path / "crt", tmp_path / "key")
    for program in server.PROGRAMS:
        words = " ".join(arguments_of(Path("/usr/bin") / program, serving))
        assert "--append-only" in words
        assert "--private-repos" in words
        assert "htpasswd" in words
        assert str(tmp_path / "key") in words
