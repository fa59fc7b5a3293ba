"""Owns the centre's `[computers]` section."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta


class ComputersConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Комп'ютери громади: за чим судити про них."""

    prohibited_file: Annotated[
        Path | None,
        Meta(
            description="CSV з офіційним переліком забороненого ПЗ (data.gov.ua); без нього — лише вбудований список."
        ),
    ] = None
