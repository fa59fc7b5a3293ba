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
_REPOSITORY = ("site", "agent")

REPOSITORY_AGE = Metric(
    "backup_repository_age_seconds",
    "gauge",
    _REPOSITORY,
    say("Вік найновішої цілої копії за файлами сховища в центрі.", "Age of the newest whole snapshot file in place."),
)
REPOSITORY_SNAPSHOTS = Metric(
    "backup_repository_snapshots_held",
    "gauge",
    _REPOSITORY,
    say("Скільки копій лежить у сховищі.", "How many snapshots lie in the repository."),
)
REPOSITORY_STANDING = Metric(
    "backup_repository_standing_ratio",
    "gauge",
    (*_REPOSITORY, "reason"),
    say("1 для того, як стоять копії, 0 для решти.", "1 for how the host's copies stand, 0 for the others."),
)
_PLAN_AT_CENTRE = ("site", "agent", "plan", "reason")

PLAN_LATENESS = Metric(
    "backup_plan_lateness_ratio",
    "gauge",
    _PLAN_AT_CENTRE,
    say(
        "1 для того, наскільки стара остання ціла копія плану за його власним строком, 0 для решти; каже центр.",
        "1 for how old the plan's newest whole copy is by its own term, 0 for the others; the centre says so.",
    ),
)
PLAN_PROOF = Metric(
    "backup_plan_proof_ratio",
    "gauge",
    _PLAN_AT_CENTRE,
    say(
        "1 для того, чи доведено відновлення плану в його строк, 0 для решти; каже центр.",
        "1 for whether the plan's restore is proven within its term, 0 for the others; the centre says so.",
    ),
)
REPOSITORY_DAMAGED = Metric(
    "backup_repository_damaged_files",
    "gauge",
    _REPOSITORY,
    say(
        "Файли сховища, чий вміст не відповідає назві або яких бракує.",
        "Files whose content does not match their name, or that are missing.",
    ),
)
REPOSITORY_UNKNOWN_KEYS = Metric(
    "backup_repository_unknown_keys",
    "gauge",
    _REPOSITORY,
    say("Ключі, про які центр не знає.", "Keys that the centre does not know of."),
)
REPOSITORY_BYTES = Metric(
    "backup_repository_size_bytes",
    "gauge",
    _REPOSITORY,
    say("Скільки місця займає сховище.", "How much space the repository takes."),
)
REPOSITORY_QUOTA = Metric(
    "backup_repository_quota_ratio",
    "gauge",
    _REPOSITORY,
    say("Яку частку дозволеного займає сховище.", "Share of its allowance that the repository takes."),
)
REPOSITORY_LOCK_AGE = Metric(
    "backup_repository_lock_age_seconds",
    "gauge",
    _REPOSITORY,
    say(
        "Вік найдавнішого замка сховища; 0, коли не замкнено. Живий restic оновлює свій раз на п'ять хвилин.",
        "Age of the repository's oldest lock, 0 without one; a living restic renews its own every five minutes.",
    ),
)
WALK_AGE = Metric(
    "backup_walk_age_seconds",
    "gauge",
    _REPOSITORY,
    say("Скільки минуло від останнього повного обходу.", "Time since the last whole hash walk ended."),
)
WALK_PROGRESS = Metric(
    "backup_walk_progress_ratio",
    "gauge",
    _REPOSITORY,
    say("Яку частку сховища вже обійдено.", "Share of the repository that this walk has read."),
)
WALKED_BYTES = Metric(
    "backup_walked_bytes_total",
    "counter",
    (),
    say("Скільки перечитано під час обходів.", "How much the hash walks have read."),
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
    REPOSITORY_SNAPSHOTS,
    REPOSITORY_STANDING,
    PLAN_LATENESS,
    PLAN_PROOF,
    REPOSITORY_DAMAGED,
    REPOSITORY_UNKNOWN_KEYS,
    REPOSITORY_BYTES,
    REPOSITORY_QUOTA,
    REPOSITORY_LOCK_AGE,
    WALK_AGE,
    WALK_PROGRESS,
    WALKED_BYTES,
)
