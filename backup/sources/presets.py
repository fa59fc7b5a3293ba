"""Owns ready-made plans: what a community nearly always saves, with what is never worth saving left out. Data, pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

PresetName = Literal["", "beket", "shares", "mail", "held"]


@dataclass(frozen=True, slots=True)
class Preset:
    """What a ready-made plan adds to the paths that it is given.

    Attributes:
        excludes: restic's patterns.
        databases: SQLite files are copied whole first.
        is_held_footage: the paths are folders of recordings, of which only what is held is saved.
    """

    excludes: tuple[str, ...] = ()
    databases: bool = False
    is_held_footage: bool = False


PRESETS: Mapping[PresetName, Preset] = {
    "": Preset(),
    # Beket's own databases and configuration; keys stay out, and recordings have their own store.
    "beket": Preset(
        excludes=("*.key", "*.before-*", "spool-*", "sandbox", "sink-queue*", "cache", "*.sock"),
        databases=True,
    ),
    # Shared folders of an office.
    "shares": Preset(
        excludes=(
            "~$*",
            ".~lock.*#",
            "*.tmp",
            "*.temp",
            "Thumbs.db",
            "desktop.ini",
            ".DS_Store",
            "$RECYCLE.BIN",
            "System Volume Information",
            ".Trash-*",
            "lost+found",
            "*.crdownload",
            "*.part",
        )
    ),
    # Mail as it lies on a server or was exported: maildir, mbox, PST, Thunderbird profiles with their SQLite indexes.
    "mail": Preset(
        excludes=("*.lock", "dovecot.index*", "dovecot-uidlist.lock", "*.msf", "cache2", "parent.lock", "*.tmp"),
        databases=True,
    ),
    # «Не стирати»: recordings that a hold covers; the rest must not outlive its term in a copy.
    "held": Preset(is_held_footage=True),
}
