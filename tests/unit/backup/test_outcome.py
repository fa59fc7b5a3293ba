"""The table of outcomes, by what is known of a run."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup.restic.commands import Command, Operation
from backup.restic.events import ItemError, Snapshot, Summary
from backup.restic.outcome import OutcomeKind, classify
from backup.restic.run import Ended, Refusal
from backup.restic.version import Version, capabilities_of

OLD, NEW = capabilities_of(Version(0, 14)), capabilities_of(Version(0, 19))
ASKED = [Path("/дані")]
SUMMARY = Summary("51e13f82", 2, 10, 5, 0.1)
SNAPSHOT = Snapshot(id="51e13f82" + "0" * 56, time="2026-11-25T00:10:00Z", paths=("/дані",))


def _ended(
    operation: Operation = Operation.BACKUP, *, new: bool = False, remote: bool = False, **known: object
) -> Ended:
    words = known.pop("words", ())
    ended = Ended(Command(operation, (), remote), NEW if new else OLD, **known)  # type: ignore[arg-type]
    ended.words.extend(words)  # type: ignore[arg-type]
    return ended


@pytest.mark.parametrize(
    ("ended", "kind"),
    [
        (_ended(exit_code=1, words=["Fatal: wrong password or no key found"]), OutcomeKind.AUTH),
        (_ended(exit_code=12, new=True), OutcomeKind.AUTH),
        (_ended(exit_code=12), OutcomeKind.FAILED),
        (_ended(exit_code=1, words=["Resolving password failed: Fatal: p does not exist"]), OutcomeKind.AUTH),
        (_ended(exit_code=10, new=True), OutcomeKind.MISSING),
        (_ended(exit_code=1, words=["Is there a repository at the following location?"]), OutcomeKind.MISSING),
        (
            _ended(exit_code=1, words=["dial tcp: connection refused", "Is there a repository at the following"]),
            OutcomeKind.DEFERRED,
        ),
        (_ended(exit_code=1, words=["x509: certificate has expired or is not yet valid"]), OutcomeKind.DEFERRED),
        (_ended(exit_code=11, new=True), OutcomeKind.LOCKED),
        (_ended(Operation.CHECK, exit_code=11, new=True, words=["repository contains errors"]), OutcomeKind.LOCKED),
        (_ended(exit_code=1, words=["repository is already locked exclusively by PID 5"]), OutcomeKind.LOCKED),
        (_ended(Operation.CHECK, exit_code=1, words=["Fatal: repository contains errors"]), OutcomeKind.DAMAGED),
        (_ended(Operation.RESTORE, exit_code=1, words=["ciphertext verification failed"]), OutcomeKind.DAMAGED),
        (_ended(exit_code=130, stopped=True), OutcomeKind.CANCELLED),
        (_ended(exit_code=1, stopped=True, new=True), OutcomeKind.CANCELLED),
        (_ended(exit_code=143), OutcomeKind.CANCELLED),
        (_ended(exit_code=1, new=True, words=["signal terminated received, cleaning up"]), OutcomeKind.CANCELLED),
        (_ended(Operation.FORGET, exit_code=0, refusal=Refusal.REMOVE), OutcomeKind.FAILED),
        (_ended(exit_code=130, refusal=Refusal.WRITE), OutcomeKind.DEFERRED),
        (_ended(exit_code=130, refusal=Refusal.NO_SPACE), OutcomeKind.FAILED),
        (_ended(Operation.FORGET, exit_code=143, stopped=True, refusal=Refusal.REMOVE), OutcomeKind.FAILED),
        (_ended(exit_code=137), OutcomeKind.FAILED),
        (_ended(exit_code=130, stalled=True), OutcomeKind.FAILED),
        (_ended(exit_code=130, stalled=True, remote=True), OutcomeKind.DEFERRED),
        (_ended(exit_code=1, words=["write /repo/data: no space left on device"]), OutcomeKind.FAILED),
        (_ended(exit_code=99), OutcomeKind.FAILED),
        (_ended(Operation.CHECK, exit_code=0), OutcomeKind.OK),
        (_ended(Operation.CHECK, exit_code=3), OutcomeKind.FAILED),
    ],
)
def test_end_of_a_run_is_told_apart(ended: Ended, kind: OutcomeKind) -> None:
    outcome = classify(ended, asked=ASKED, snapshot=SNAPSHOT)
    assert outcome.kind is kind
    assert (outcome.snapshot is not None) == (
        ended.command.operation is not Operation.BACKUP and kind is OutcomeKind.OK
    )


def test_proven_copy_is_ok() -> None:
    outcome = classify(_ended(summary=SUMMARY), asked=ASKED, snapshot=SNAPSHOT)
    assert (outcome.kind, outcome.snapshot) == (OutcomeKind.OK, SNAPSHOT)


@pytest.mark.parametrize("snapshot", [None, Snapshot(id="f" * 64, time="", paths=("/дані",))])
@pytest.mark.parametrize("summary", [None, SUMMARY, Summary("", 0, 0, 0, 0)])
@pytest.mark.parametrize("exit_code", [0, 3])
def test_claim_without_its_snapshot_is_failed(
    snapshot: Snapshot | None, summary: Summary | None, exit_code: int
) -> None:
    outcome = classify(_ended(exit_code=exit_code, summary=summary), asked=ASKED, snapshot=snapshot)
    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.snapshot is None


def test_path_that_the_snapshot_lacks_is_partial_and_named() -> None:
    outcome = classify(_ended(summary=SUMMARY), asked=[*ASKED, Path("/зник")], snapshot=SNAPSHOT)
    assert outcome.kind is OutcomeKind.PARTIAL
    assert outcome.reason.uk == "Не збережено, бо цього немає: /зник. Перевірте план копіювання."


def test_path_left_out_before_the_run_is_partial() -> None:
    outcome = classify(_ended(summary=SUMMARY), asked=ASKED, snapshot=SNAPSHOT, absent=[Path("/зник")])
    assert outcome.kind is OutcomeKind.PARTIAL
    assert [item.item for item in outcome.items] == ["/зник"]


def test_unreadable_files_are_counted_and_the_first_are_named() -> None:
    items = [ItemError(f"/дані/{n}", "denied") for n in range(5)]
    ended = _ended(exit_code=3, summary=SUMMARY, items=items, items_total=5)
    outcome = classify(ended, asked=ASKED, snapshot=SNAPSHOT)
    assert outcome.kind is OutcomeKind.PARTIAL
    assert "Не вдалося прочитати 5 файлів: /дані/0, /дані/1, /дані/2 (+2)." in outcome.reason.uk


def test_code_3_alone_is_partial() -> None:
    assert classify(_ended(exit_code=3, summary=SUMMARY), asked=ASKED, snapshot=SNAPSHOT).kind is OutcomeKind.PARTIAL


@given(
    exit_code=st.integers(0, 255),
    proven=st.booleans(),
    claimed=st.booleans(),
    words=st.lists(st.text(max_size=40), max_size=3),
    flags=st.fixed_dictionaries({"stopped": st.booleans(), "stalled": st.booleans()}),
)
def test_ok_needs_code_0_and_proof(
    exit_code: int, proven: bool, claimed: bool, words: list[str], flags: dict[str, bool]
) -> None:
    ended = _ended(exit_code=exit_code, summary=SUMMARY if claimed else None, words=words, **flags)
    outcome = classify(ended, asked=ASKED, snapshot=SNAPSHOT if proven else None)
    assert (outcome.kind is OutcomeKind.OK) == (exit_code == 0 and proven and claimed)
    assert outcome.reason.uk
    assert outcome.reason.en
