"""Owns what is run before and after a plan: programs of the host with time-outs, and what comes of one that fails.

What runs after runs always once something before was begun: what was stopped must start again. Note:
backup/design/0009-restic-wrapper.md, "Hooks and dumps".
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from backup.restic.events import ItemError
from backup.sources.program import run_program

log = logging.getLogger(__name__)

WHY_MAX_CHARS = 200


@dataclass(frozen=True, slots=True)
class Hook:
    """A program to run around a copy.

    Attributes:
        argv: the program and its arguments; no shell reads them.
        within_s: longer it may not take.
        required: if it fails, there is no copy; for what runs after, the copy counts as partial either way.
    """

    argv: tuple[str, ...]
    within_s: float = 300
    required: bool = True


async def run_hooks(hooks: Sequence[Hook]) -> list[tuple[Hook, ItemError]]:
    """Run them one after the other; those that failed, and why. After a required one that failed no other is run."""
    failed: list[tuple[Hook, ItemError]] = []
    for hook in hooks:
        ended = await run_program(hook.argv, within_s=hook.within_s)
        if ended.is_good:
            continue
        why = f"took over {hook.within_s:g} s" if ended.timed_out else f"code {ended.code}"
        log.warning("hook %s: %s", hook.argv[0], why)
        failed.append((hook, ItemError(hook.argv[0], f"{why}: {ended.words}"[-WHY_MAX_CHARS:])))
        if hook.required:
            break
    return failed
