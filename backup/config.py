"""Owns the `[backup]` section of the agent, with its `[[backup.plans]]`; the centre's is in backup.repository."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from backup.sources.presets import PresetName
from beket.kernel.errors import InvalidConfig
from beket.kernel.ids import check_slug
from beket.kernel.text import say


class HookConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Програма, яку запустити до чи після копії."""

    run: Annotated[tuple[str, ...], Meta(min_length=1, description="Програма та її слова; оболонка їх не читає.")]
    timeout_s: Annotated[float, Meta(gt=0, le=24 * 3600, description="Скільки секунд їй дати.")] = 300
    required: Annotated[bool, Meta(description="Без неї копії не робити.")] = True


class DumpConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """База PostgreSQL, яку вивантажити перед копією."""

    name: Annotated[str, Meta(description="Код вивантаження: a-z, 0-9, дефіс.")]
    connection: Annotated[
        str, Meta(min_length=1, max_length=500, description="Слова libpq без пароля: host=… dbname=… user=…")
    ]
    password_file: Annotated[Path | None, Meta(description="Файл (0600) з паролями у вигляді pgpass.")] = None
    account: Annotated[
        str, Meta(pattern="^[a-z_]?[a-z0-9_-]{0,31}$", description="Від чийого імені запускати pg_dump.")
    ] = ""
    timeout_s: Annotated[float, Meta(gt=0, le=24 * 3600, description="Скільки секунд дати на вивантаження.")] = 3600

    def __post_init__(self) -> None:
        check_slug(self.name, place="name")
        if "password" in self.connection.lower() or "://" in self.connection:
            raise InvalidConfig(
                say(
                    "Пароль бази тут видно всім; покладіть його у файл password_file.",
                    "A password is seen by all here; put it into password_file, and write words, not an address.",
                )
            )


class PlanConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Один план копіювання."""

    id: Annotated[str, Meta(description="Незмінний код плану: a-z, 0-9, дефіс.")]
    name: Annotated[str, Meta(min_length=1, max_length=120, description="Назва, як її бачать люди.")]
    paths: Annotated[tuple[Path, ...], Meta(min_length=1, description="Повні шляхи до того, що копіювати.")]
    excludes: Annotated[tuple[str, ...], Meta(description="Що не копіювати, взірцями restic.")] = ()
    tags: Annotated[tuple[str, ...], Meta(description="Позначки копій.")] = ()
    preset: Annotated[
        PresetName,
        Meta(
            description="Готовий план: beket — бази й налаштування Бекета, shares — спільні теки, mail — пошта, "
            "held — записи, які не стирати (шляхи — теки записів)."
        ),
    ] = ""
    every_hours: Annotated[float, Meta(gt=0, le=24 * 31, description="Копія, молодша за стільки годин, свіжа.")] = 24

    postgres: Annotated[tuple[DumpConfig, ...], Meta(description="Бази PostgreSQL, що ввійдуть у копію цілими.")] = ()
    before: Annotated[tuple[HookConfig, ...], Meta(description="Що запустити до копії.")] = ()
    after: Annotated[
        tuple[HookConfig, ...], Meta(description="Що запустити після копії, хоч би як вона скінчилася.")
    ] = ()

    def __post_init__(self) -> None:
        check_slug(self.id, place="id")
        for path in self.paths:
            if not path.is_absolute():
                raise InvalidConfig(say("{path}: потрібен повний шлях.", "{path}: must be absolute.", path=path))


class BackupConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Резервні копії; без планів нічого не копіюється."""

    repository: Annotated[str, Meta(description="Сховище копій цього об'єкта: тека або адреса restic.")] = (
        "/var/lib/beket/backups"
    )
    password_file: Annotated[
        Path, Meta(description="Файл (0600) з паролем сховища; з'явиться сам, роздрукуйте його й сховайте в конверт.")
    ] = Path("/etc/beket/secrets/backup-password")
    program: Annotated[str, Meta(description="Програма restic: назва або шлях.")] = "restic"
    look_every_s: Annotated[float, Meta(ge=0.1, le=3600, description="Раз на стільки секунд глянути, чи не пора.")] = 60
    random_delay_s: Annotated[
        float, Meta(ge=0, le=7200, description="Після ввімкнення зачекати випадково, щонайбільше стільки секунд.")
    ] = 300
    uplink_share: Annotated[
        float,
        Meta(gt=0, le=1, description="Яку частку [uplink] rate_kbps можуть займати копії; решта — записам камер."),
    ] = 0.5
    drill_every_days: Annotated[float, Meta(gt=0, le=366, description="Перевіряти відновлення раз на стільки діб.")] = (
        30
    )
    drill_most_mib: Annotated[float, Meta(gt=0, description="Скільки МіБ щонайбільше відновити за одну перевірку.")] = (
        256
    )
    drill_most_minutes: Annotated[float, Meta(gt=0, le=24 * 60, description="Скільки хвилин їй дати.")] = 30
    plans: Annotated[tuple[PlanConfig, ...], Meta(description="Плани копіювання.")] = ()

    def __post_init__(self) -> None:
        ids = [plan.id for plan in self.plans]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise InvalidConfig(say("План «{id}» названо двічі.", "The plan “{id}” is named twice.", id=twice[0]))
