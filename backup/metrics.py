"""Owns the names of what is measured of backups; light, since every process joins the catalogue."""

from beket.kernel.metrics import Metric
from beket.kernel.text import say

_PLAN = ("site", "plan")

SNAPSHOT_AGE = Metric(
    "backup_snapshot_age_seconds",
    "gauge",
    _PLAN,
    say("Вік найновішої копії плану, як вона лежить у сховищі.", "Age of the plan's newest snapshot in place."),
)
WHOLE_AGE = Metric(
    "backup_whole_copy_age_seconds",
    "gauge",
    _PLAN,
    say("Вік останньої копії, в яку ввійшло все.", "Age of the last copy that left nothing out."),
)
LAST_OUTCOME = Metric(
    "backup_last_outcome_ratio",
    "gauge",
    (*_PLAN, "reason"),
    say("1 для наслідку останнього копіювання, 0 для решти.", "1 for the last run's outcome, 0 for the others."),
)
DRILL_AGE = Metric(
    "backup_proven_restore_age_seconds",
    "gauge",
    _PLAN,
    say("Скільки минуло від вдалої перевірки відновлення.", "Time since a restore was last proven."),
)
COPIED_BYTES = Metric(
    "backup_copied_bytes",
    "gauge",
    _PLAN,
    say("Скільки даних охопила остання копія.", "How much data the last copy holds."),
)
ADDED_BYTES = Metric(
    "backup_added_bytes",
    "gauge",
    _PLAN,
    say("Скільки нового додала остання копія.", "How much the last copy added to the repository."),
)
DURATION = Metric(
    "backup_duration_seconds",
    "gauge",
    _PLAN,
    say("Скільки тривало останнє копіювання.", "How long the last run took."),
)
REPOSITORY_AGE = Metric(
    "backup_repository_age_seconds",
    "gauge",
    ("site",),
    say("Вік найновішої цілої копії за файлами сховища в центрі.", "Age of the newest whole snapshot file in place."),
)
REPOSITORY_DAMAGED = Metric(
    "backup_repository_damaged_files",
    "gauge",
    ("site",),
    say("Файли копій, чий вміст не відповідає назві.", "Snapshot files whose content does not match their name."),
)

METRICS = (
    SNAPSHOT_AGE,
    WHOLE_AGE,
    LAST_OUTCOME,
    DRILL_AGE,
    COPIED_BYTES,
    ADDED_BYTES,
    DURATION,
    REPOSITORY_AGE,
    REPOSITORY_DAMAGED,
)
