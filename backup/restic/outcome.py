"""Owns the judgement of a run: one of nine outcomes, from everything that is known of it, never from exit code 0 alone.

Pure. The order: were we the ones who ended it, the exit code (where this restic has one for the case), the words, and
for a backup the proof: the snapshot that it named is in the repository and holds every path that was asked for.
Note: backup/design/0009-restic-wrapper.md, "What is what".
"""

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from backup.restic.commands import Operation
from backup.restic.events import ItemError, Snapshot, Summary
from backup.restic.run import Ended, Refusal
from beket.kernel.text import Text, counted, plain, say


class OutcomeKind(StrEnum):
    """What came of a run; `ok` alone renews the freshness of a plan."""

    OK = "ok"
    PARTIAL = "partial"
    DEFERRED = "deferred"
    LOCKED = "locked"
    AUTH = "auth"
    MISSING = "missing"
    DAMAGED = "damaged"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The judgement and what it rests on.

    Attributes:
        reason: one sentence: what happened and, where somebody must act, what to do.
        snapshot: what is provably in the repository; None without a proof.
        items: what was not saved or restored.
        evidence: the last words of restic, redacted.
        lock_may_stay: restic ended in a way that leaves its lock in the repository.
    """

    kind: OutcomeKind
    reason: Text
    snapshot: Snapshot | None = None
    summary: Summary | None = None
    items: tuple[ItemError, ...] = ()
    evidence: str = ""
    lock_may_stay: bool = False


_BY_EXIT_CODE = {10: OutcomeKind.MISSING, 11: OutcomeKind.LOCKED, 12: OutcomeKind.AUTH}
# 0.18 ends with code 1 then, as with any other failure.
_SIGNALLED = re.compile(r"^signal (?:interrupt|terminated) received", re.MULTILINE)
_OUR_WAY_OUT = frozenset({130, 128 + signal.SIGTERM})

# In this order: a server that is down also «has no config file», and a damaged lock is still damage.
_BY_WORDS = {
    OutcomeKind.DEFERRED: r"connection (?:refused|reset)|no route to host|network is unreachable|no such host"
    r"|i/o timeout|TLS handshake timeout|context deadline exceeded|broken pipe"
    # The centre has a new certificate, or our clock is not set yet: both pass.
    r"|x509: certificate",
    OutcomeKind.LOCKED: r"repository is already locked",
    OutcomeKind.AUTH: r"wrong password or no key found|Resolving password failed",
    OutcomeKind.MISSING: r"Is there a repository at the following location|repository does not exist"
    r"|unable to open config file",
    OutcomeKind.DAMAGED: r"repository contains errors|ciphertext verification failed|Pack ID does not match"
    r"|unexpected file size|not found in repository|invalid data returned|failed to download: StreamPack"
    r"|ReadFull: unexpected EOF|hash mismatch|does not match id",
}
_RULES = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _BY_WORDS.items())
# The login, not the key: a server speaks before restic opens anything.
_NOT_LET_IN = re.compile(r"\b401 Unauthorized")
_NO_SPACE = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)


def classify(
    ended: Ended, *, asked: Sequence[Path] = (), snapshot: Snapshot | None = None, absent: Sequence[Path] = ()
) -> Outcome:
    """Judge a run.

    Args:
        ended: what is known of it.
        asked: the paths that a backup was to save.
        snapshot: what the repository said of the snapshot that the summary names; None when it has none such.
        absent: paths of the plan that were left out because they were not there before the run.
    """
    kind, reason = _judge_end(ended)
    items = (*(ItemError(str(path), "does not exist", is_absent=True) for path in absent), *ended.items)
    if ended.command.operation is Operation.BACKUP and kind is None:
        kind, reason, items = _judge_backup(ended, asked, snapshot, items)
    elif kind is None:
        kind, reason = OutcomeKind.OK, say("Виконано.", "Done.")
    proven = snapshot if kind in (OutcomeKind.OK, OutcomeKind.PARTIAL) else None
    return Outcome(kind, reason, proven, ended.summary, tuple(items), "\n".join(ended.words), ended.lock_may_stay)


def _judge_end(ended: Ended) -> tuple[OutcomeKind | None, Text]:
    """The outcome that needs no proof, or None when the run says that it did its work."""
    code, words = ended.exit_code, "\n".join(ended.words)
    if ended.refusal:
        return _REFUSALS[ended.refusal]
    if code == 0 or (code == 3 and ended.command.operation is Operation.BACKUP):
        return None, plain("")
    by_signal = code in _OUR_WAY_OUT or _SIGNALLED.search(words)
    if ended.stopped or (by_signal and not ended.stalled):
        return OutcomeKind.CANCELLED, say("Роботу перервано; копію не завершено.", "Stopped before it was complete.")
    if ended.stalled:
        return _stalled(ended)
    if _NOT_LET_IN.search(words):
        return OutcomeKind.AUTH, _NO_LOGIN
    if ended.capabilities.own_exit_codes and code in _BY_EXIT_CODE:
        return _BY_EXIT_CODE[code], REASONS[_BY_EXIT_CODE[code]]
    if _NO_SPACE.search(words):
        return _REFUSALS[Refusal.NO_SPACE]
    told = words + "\n".join(item.why for item in ended.items)
    kind = next((kind for kind, pattern in _RULES if pattern.search(told)), None)
    if kind is None and ended.items and all(item.is_absent for item in ended.items):
        return OutcomeKind.FAILED, _absent(ended.items)
    if kind is None:
        return OutcomeKind.FAILED, _unknown(ended)
    return kind, REASONS[kind]


def _judge_backup(
    ended: Ended, asked: Sequence[Path], snapshot: Snapshot | None, items: Sequence[ItemError]
) -> tuple[OutcomeKind, Text, tuple[ItemError, ...]]:
    named = ended.summary.snapshot_id if ended.summary else ""
    if not named or snapshot is None or not snapshot.id.startswith(named):
        reason = say(
            "restic каже, що закінчив, але такої копії у сховищі немає.",
            "restic says that it is done, but the repository holds no such snapshot.",
        )
        return OutcomeKind.FAILED, reason, tuple(items)
    known = {item.item for item in items}
    unsaved = [str(path) for path in asked if str(path) not in snapshot.paths and str(path) not in known]
    found = (*items, *(ItemError(path, "does not exist", is_absent=True) for path in unsaved))
    absent = tuple(item for item in found if item.is_absent)
    if absent:
        return OutcomeKind.PARTIAL, _absent(absent), found
    if found or ended.exit_code != 0:
        return OutcomeKind.PARTIAL, _unread(found, max(ended.items_total, len(found))), found
    return OutcomeKind.OK, say("Копію зроблено й знайдено у сховищі.", "The copy is made and found in place."), found


def _stalled(ended: Ended) -> tuple[OutcomeKind, Text]:
    if ended.command.remote:
        return OutcomeKind.DEFERRED, say(
            "Лінія до сховища мовчить; копію відкладено.", "The line is silent; the backup is put off."
        )
    return OutcomeKind.FAILED, say(
        "restic довго не рухався з місця. Перевірте диск зі сховищем.",
        "restic made no progress for long. Check the repository's disk.",
    )


def _absent(items: Sequence[ItemError]) -> Text:
    return say(
        "Не збережено, бо цього немає: {items}. Перевірте план копіювання.",
        "Not saved because it is not there: {items}. Check the backup plan.",
        items=_few([item.item for item in items if item.is_absent]),
    )


def _unread(items: Sequence[ItemError], total: int) -> Text:
    return say(
        "Не вдалося прочитати {n}: {items}. Перевірте права доступу й диск.",
        "Could not be read ({total}): {items}. Check permissions and the disk.",
        n=counted(total, "файл", "файли", "файлів"),
        total=total,
        items=_few([item.item for item in items]) or "?",
    )


def _unknown(ended: Ended) -> Text:
    return say(
        "restic закінчив з кодом {code}: {words}",
        "restic ended with code {code}: {words}",
        code=ended.exit_code,
        words=ended.words[-1] if ended.words else "…",
    )


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} (+{len(names) - 3})" if len(names) > 3 else shown


_REFUSALS = {
    Refusal.REMOVE: (
        OutcomeKind.FAILED,
        say(
            "Сховище лише дописується: звідси в ньому нічого не стерти. Це робить центр.",
            "The repository is append-only: nothing can be removed from here. The centre does that.",
        ),
    ),
    # What the next run sends goes under another name.
    Refusal.WRITE: (
        OutcomeKind.DEFERRED,
        say(
            "Сервер копій не взяв частини даних: обірвалася лінія або на його диску немає місця. Копію буде повторено.",
            "The server did not take some data: the line broke or its disk is full. The backup will be tried again.",
        ),
    ),
    Refusal.NO_SPACE: (
        OutcomeKind.FAILED,
        say(
            "У сховищі копій скінчилося місце. Звільніть місце на диску.", "The repository's disk is full. Free space."
        ),
    ),
}
_NO_LOGIN = say(
    "Сервер копій не впускає цей комп'ютер: його вхід недійсний. Якщо за годину не минеться, покличте відповідального "
    "за ІТ.",
    "The backup server does not let this host in: its login is void. If that stays for an hour, call your IT person.",
)
REASONS = {
    OutcomeKind.DEFERRED: say(
        "Немає зв'язку зі сховищем; копію буде зроблено, щойно він з'явиться.",
        "The repository cannot be reached; the backup waits for the line.",
    ),
    OutcomeKind.LOCKED: say(
        "Сховище зайняте іншою роботою; спробуємо пізніше.", "The repository is locked by other work; we try later."
    ),
    OutcomeKind.AUTH: say(
        "Пароль сховища не підходить. Візьміть файл пароля з паперового конверта.",
        "The repository's password is wrong. Take the one from the paper envelope.",
    ),
    OutcomeKind.MISSING: say(
        "За цією адресою немає сховища копій. Перевірте, чи під'єднано диск.",
        "There is no repository at this place. Check that its disk is there.",
    ),
    OutcomeKind.DAMAGED: say(
        "Сховище копій пошкоджене. Нічого в ньому не стирайте й покличте відповідального за ІТ.",
        "The repository is damaged. Delete nothing in it and call your IT person.",
    ),
}
