"""Owns the agent's `[services]` section; which services there are is the inventory's."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta


class ServicesConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Перевірка служб: сайтів, пошти, імен, часу, лінії провайдера."""

    interval_s: Annotated[float, Meta(ge=1, le=3600, description="Перевіряти кожну службу раз на стільки секунд.")] = (
        60.0
    )
    timeout_s: Annotated[float, Meta(ge=1, le=60, description="Чекати на відповідь служби стільки секунд.")] = 10.0
    at_once: Annotated[int, Meta(ge=1, le=64, description="Скільки служб перевіряти одночасно.")] = 8
    authority: Annotated[
        Path | None, Meta(description="Файл PEM власного центру сертифікації громади, якщо він є.")
    ] = None
