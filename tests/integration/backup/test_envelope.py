"""The key on paper is tried once a quarter: it opens the repository, and a file really comes back with it."""

import asyncio
from pathlib import Path

import pytest

from backup import canary
from backup.acts.record import KeyUsed, Record, Verdict
from backup.escrow.envelope import open_envelope
from backup.escrow.recovery_key import new_recovery_key
from backup.repository.keyring import Holder, Keyring
from backup.repository.ledger import Ledger
from backup.restic import commands
from backup.restic.outcome import Outcome, OutcomeKind
from backup.restic.run import find_restic
from beket.kernel.clock import SystemClock
from beket.kernel.secrets import Secret
from beket.testing.restic import make_backup_place

pytestmark = [pytest.mark.needs("restic"), pytest.mark.timeout(180)]
HOST = "council-1a2b3c4d"


async def _keyring(folder: Path, ledger: Ledger) -> Keyring:
    clock, secrets = SystemClock(), folder / "keys"
    secrets.mkdir(mode=0o700)
    restic = await find_restic("restic", clock=clock)
    keyring = Keyring(folder / "repositories", secrets, restic, ledger, clock, asyncio.Lock())
    await keyring.make_repository(HOST, "council")
    return keyring


def _tried_ns(ledger: Ledger) -> int | None:
    (key,) = [key for key in ledger.known_keys() if key.holder == Holder.RECOVERY]
    return key.tried_ns


def test_key_on_paper_brings_a_file_back_and_leaves_an_act(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "repositories.db")

    async def story() -> None:
        keyring, place = await _keyring(tmp_path, ledger), make_backup_place(tmp_path / "host", files=1)
        repository, folder, key = keyring.repository(HOST), tmp_path / "sandbox", new_recovery_key()
        await keyring.replace_key(HOST, Holder.RECOVERY, key)

        async def copy(*paths: Path) -> None:
            assert (await keyring.restic.run(commands.backup(repository, paths))).exit_code == 0

        async def attempt(with_key: Secret) -> Record | Outcome:
            return await open_envelope(keyring, HOST, with_key, folder, by="machine:оля")

        nothing = await attempt(key)  # before the first copy there is nothing to bring back
        assert isinstance(nothing, Outcome)
        await copy(place.source)  # as copies were before there were canaries
        opened = await attempt(key)
        assert isinstance(opened, Outcome)
        assert opened.kind is OutcomeKind.OK
        assert _tried_ns(ledger) is not None

        at = canary.place_of(tmp_path / "host", "documents")
        assert canary.put(at)
        await copy(place.source, at)
        record = await attempt(key)
        assert isinstance(record, Record)
        assert (record.verdict, record.key, record.plan) == (Verdict.PROVEN, KeyUsed.RECOVERY, "documents")
        assert (record.by, record.site, record.name) == ("machine:оля", "council", f"{HOST}/К1")
        assert ledger.acts.of(HOST) == [record]
        assert not folder.exists()

        wrong = await attempt(new_recovery_key())
        assert isinstance(wrong, Outcome)
        assert wrong.kind is OutcomeKind.AUTH

        before_ns = _tried_ns(ledger)
        at.write_bytes(b"encrypted by somebody")
        await copy(place.source, at)
        changed = await attempt(key)
        assert isinstance(changed, Record)
        assert changed.verdict is Verdict.WRONG
        assert "не тією" in changed.reason_uk
        assert _tried_ns(ledger) == before_ns

    asyncio.run(story())
    ledger.close()
