"""Owns the agent's `[gear_copies]` section: how often configurations of gear are copied."""

from typing import Annotated

import msgspec
from msgspec import Meta


class GearCopiesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Копії налаштувань пристроїв із [[hosts.gear]]."""

    every_hours: Annotated[
        float, Meta(gt=0, le=24 * 31, description="Дивитися на налаштування кожного пристрою раз на стільки годин.")
    ] = 6
    look_every_s: Annotated[float, Meta(ge=0.1, le=3600, description="Раз на стільки секунд глянути, чи не пора.")] = 60
    random_delay_s: Annotated[
        float, Meta(ge=0, le=7200, description="Після ввімкнення зачекати випадково, щонайбільше стільки секунд.")
    ] = 120
