"""Owns the names of what the video rooms measure about themselves; `site` is where the store is ("centre" there)."""

from beket.kernel.metrics import Metric
from beket.kernel.text import say

RECORDED_BYTES = Metric(
    "vms_recorded_bytes_total",
    "counter",
    ("site", "camera"),
    say("Записано на диск за камерою.", "Bytes of video written to disk, by camera."),
)
LOST_BYTES = Metric(
    "vms_lost_bytes_total",
    "counter",
    ("site", "camera", "reason"),
    say("Відео, яке не вдалося записати.", "Bytes of video that could not be recorded."),
)
CLOSED_SEGMENTS = Metric(
    "vms_closed_segments_total",
    "counter",
    ("site", "camera"),
    say("Закрито фрагментів запису.", "Segments closed and indexed."),
)
DISK_SYNCS = Metric(
    "vms_disk_syncs_total",
    "counter",
    ("site",),
    say("Скільки разів записане скинуто на диск.", "Times that growing files were made durable."),
)
DISK_FAILURES = Metric(
    "vms_disk_failures_total",
    "counter",
    ("site", "reason"),
    say("Збої диска із записами за видом.", "Failures of the recording disk, by kind."),
)
QUEUED_BYTES = Metric(
    "vms_queued_bytes",
    "gauge",
    ("site",),
    say("Чекає на запис у пам'яті.", "Bytes that wait in memory for the disk."),
)
DELETED_BYTES = Metric(
    "vms_retention_deleted_bytes_total",
    "counter",
    ("site", "reason"),
    say("Стерто за строком або через брак місця.", "Bytes deleted by age or for space."),
)
DELETE_ERRORS = Metric(
    "vms_retention_delete_errors_total",
    "counter",
    ("site",),
    say("Не вдалося стерти файли.", "Files that could not be removed."),
)
DISK_FREE_BYTES = Metric(
    "vms_disk_free_bytes",
    "gauge",
    ("site",),
    say("Вільне місце на диску із записами.", "Free space on the recording disk."),
)
SHORT_BYTES = Metric(
    "vms_retention_short_bytes",
    "gauge",
    ("site",),
    say(
        "Скільки місця бракує, коли стирати більше нічого не можна.",
        "Space that is missing when nothing more may be deleted.",
    ),
)
CLOCK_AHEAD = Metric(
    "vms_clock_ahead_seconds",
    "gauge",
    ("site",),
    say(
        "Наскільки годинник забіг наперед проти прожитого часу; 0 — йому віримо.",
        "How far the wall clock is ahead of the time that was lived; 0 when it is believed.",
    ),
)
KEPT_RATIO = Metric(
    "vms_archive_kept_ratio",
    "gauge",
    ("site",),
    say(
        "На яку частку обіцяного строку вистачить місця за теперішнього запису.",
        "For which part of the promised term there is room at today's rate.",
    ),
)
FULL_IN = Metric(
    "vms_archive_full_in_seconds",
    "gauge",
    ("site",),
    say(
        "За скільки записи почнуть стиратися раніше строку; 400 днів — не скоро.",
        "In how long recordings will go before their term; 400 days: not soon.",
    ),
)
OLDEST_AGE = Metric(
    "vms_archive_oldest_age_seconds",
    "gauge",
    ("site", "camera"),
    say("Вік найстарішого запису камери.", "Age of the camera's oldest recording."),
)
HELD_BYTES = Metric(
    "vms_held_bytes",
    "gauge",
    ("site",),
    say("Займають записи, які заборонено стирати.", "Bytes of recordings that are held."),
)
DISKS_IN_TROUBLE = Metric(
    "vms_disks_in_trouble",
    "gauge",
    ("site",),
    say("Диски із записами, які відмовляють або не під'єднані.", "Recording disks that fail or are not attached."),
)
RECEIVED_BYTES = Metric(
    "vms_received_bytes_total",
    "counter",
    ("site", "camera"),
    say("Отримано записів з об'єктів.", "Bytes of recordings received from sites."),
)
REFUSED_SEGMENTS = Metric(
    "vms_refused_segments_total",
    "counter",
    ("site", "camera"),
    say("Відхилено пошкоджених фрагментів.", "Segments refused because they arrived damaged."),
)
ODD_SEALS = Metric(
    "vms_odd_seals_total",
    "counter",
    ("site", "camera", "reason"),
    say("Печатки записів, які не сходяться.", "Seals of recordings that do not hold."),
)

METRICS = (
    RECORDED_BYTES,
    LOST_BYTES,
    CLOSED_SEGMENTS,
    DISK_SYNCS,
    DISK_FAILURES,
    QUEUED_BYTES,
    DELETED_BYTES,
    DELETE_ERRORS,
    DISK_FREE_BYTES,
    SHORT_BYTES,
    CLOCK_AHEAD,
    KEPT_RATIO,
    FULL_IN,
    OLDEST_AGE,
    HELD_BYTES,
    DISKS_IN_TROUBLE,
    RECEIVED_BYTES,
    REFUSED_SEGMENTS,
    ODD_SEALS,
)
