"""Owns the centre's `[samples]` and `[sinks]` sections."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from beket.kernel.errors import InvalidConfig
from beket.kernel.text import say
from beket.kernel.units import MIB
from collector.store.keeping import DAY_S, Keeping


class SamplesConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Виміри в центрі: скільки їх зберігати й показувати."""

    retention_days: Annotated[int, Meta(ge=1, le=400, description="Скільки днів зберігати виміри без скорочень.")] = 14
    five_minutes_days: Annotated[
        int, Meta(ge=1, le=3650, description="Скільки днів зберігати найменше, середнє й найбільше за кожні 5 хвилин.")
    ] = 90
    hours_days: Annotated[
        int, Meta(ge=1, le=3650, description="Скільки днів зберігати найменше, середнє й найбільше за кожну годину.")
    ] = 730
    cap_mb: Annotated[
        int, Meta(ge=64, le=10_000_000, description="Скільки МБ можуть зайняти виміри; далі зникають найдавніші.")
    ] = 8192
    stale_after_s: Annotated[
        int, Meta(ge=30, le=3600, description="Вимір, давніший за стільки секунд, на /metrics не показують.")
    ] = 300
    maintain_every_s: Annotated[
        int, Meta(ge=10, le=3600, description="Упорядковувати сховище вимірів раз на стільки секунд.")
    ] = 300

    @property
    def keeping(self) -> Keeping:
        """The same, as the store takes it."""
        return Keeping(
            raw_s=self.retention_days * DAY_S,
            five_minutes_s=self.five_minutes_days * DAY_S,
            hours_s=self.hours_days * DAY_S,
            cap_bytes=self.cap_mb * MIB,
        )


class SinksConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Куди ще передавати виміри: VictoriaMetrics або інша база, яка розуміє InfluxDB v2."""

    url: Annotated[str, Meta(description="Адреса бази, напр. http://127.0.0.1:8428; порожньо — не передавати.")] = ""
    org: Annotated[str, Meta(description="Організація в базі; VictoriaMetrics на неї не зважає.")] = "beket"
    bucket: Annotated[str, Meta(description="Сховище в базі; VictoriaMetrics на нього не зважає.")] = "beket"
    token_file: Annotated[
        Path | None, Meta(description="Файл із токеном, chmod 600; без нього — база, яка токена не питає.")
    ] = None
    ca_file: Annotated[
        Path | None, Meta(description="Файл із сертифікатом того, хто засвідчив https-адресу; інакше — системні.")
    ] = None
    every_s: Annotated[int, Meta(ge=1, le=300, description="Передавати раз на стільки секунд.")] = 5
    own_numbers_every_s: Annotated[
        int, Meta(ge=5, le=300, description="Передавати числа самого центру раз на стільки секунд.")
    ] = 30
    timeout_s: Annotated[int, Meta(ge=1, le=120, description="Скільки секунд чекати на відповідь бази.")] = 10
    queue_mb: Annotated[
        int, Meta(ge=16, le=1_000_000, description="Скільки МБ вимірів тримати на диску, поки база не відповідає.")
    ] = 4096

    def __post_init__(self) -> None:
        if not self.url:
            return
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidConfig(say("url має бути вигляду http://адреса:порт.", "url must look like http://host:port."))
        if "@" in parts.netloc:
            raise InvalidConfig(
                say("паролів у url не буває.", "a url carries no password."),
                hint=say("Запишіть токен у файл token_file.", "Write the token into the file token_file."),
            )
