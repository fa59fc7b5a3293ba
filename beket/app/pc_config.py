"""Owns the root of the configuration file of `beket pc`; apart from the others, which know rooms that it must not load.

All of it may be left out.
"""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from agents.computers.config import ComputerConfig
from beket.kernel.logs import LogFormat, LogLevel


class PcConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of `beket pc`."""

    data: Annotated[Path, Meta(description="Тека: хто цей комп'ютер і звіт, який чекає на зв'язок.")] = Path(
        "/var/lib/beket/pc"
    )
    log_level: Annotated[LogLevel, Meta(description="Що писати: debug, info, warning або error.")] = "info"
    log_style: Annotated[LogFormat, Meta(description="text — для людей, json — для збирачів журналів.")] = "text"
    computer: ComputerConfig = ComputerConfig()
