"""Owns the names of what the centre counts about its own work: taking samples, judging them, telling people."""

from beket.kernel.metrics import Metric
from beket.kernel.text import say

POINTS_ACCEPTED = Metric(
    "collector_accepted_points_total",
    "counter",
    ("site",),
    say("Прийнято вимірів від агента.", "Points taken from the agent."),
)
POINTS_REFUSED = Metric(
    "collector_refused_points_total",
    "counter",
    ("site", "reason"),
    say("Відхилено вимірів агента за причиною.", "Points of the agent that were refused, by reason."),
)
POINTS_RETIMED = Metric(
    "collector_retimed_points_total",
    "counter",
    ("site",),
    say(
        "Виміри, яким центр виправив час, бо годинник агента хибний.",
        "Points that the centre moved in time because the agent's clock is wrong.",
    ),
)
CLOCK_BEHIND = Metric(
    "collector_agent_clock_behind_seconds",
    "gauge",
    ("site", "agent"),
    say(
        "На скільки годинник агента відстає від центру; нуль — іде вірно.",
        "How far the agent's clock is behind the centre's; 0 when it is right.",
    ),
)
BATCHES_REPEATED = Metric(
    "collector_repeated_batches_total",
    "counter",
    ("site",),
    say("Пачки вимірів, які вже були.", "Batches of points that had come before."),
)
DEVICE_INFO = Metric(
    "device_info",
    "gauge",
    ("site", "device", "model", "firmware"),
    say("Модель і прошивка пристрою; число завжди 1.", "Model and firmware of the device; the number is always 1."),
)
FACTS_REFUSED = Metric(
    "collector_refused_facts_total",
    "counter",
    ("site", "reason"),
    say("Відхилено фактів про пристрої за причиною.", "Facts of devices that were refused, by reason."),
)

ALERTS_FIRING = Metric(
    "alerts_firing_count", "gauge", (), say("Тривоги, про які сказано людям.", "Alerts that people were told of.")
)
ALERTS_INHIBITED = Metric(
    "alerts_inhibited_count",
    "gauge",
    (),
    say("Тривоги, які пояснює інша.", "Alerts that another one explains."),
)
ALERT_ROUND = Metric(
    "alerts_round_seconds", "gauge", (), say("Скільки тривала остання перевірка.", "How long the last look took.")
)
LETTERS_WAITING = Metric(
    "mail_waiting_letters_count", "gauge", (), say("Листи, які чекають.", "Letters that wait to be sent.")
)
LETTERS_OLDEST = Metric(
    "mail_oldest_letter_age_seconds",
    "gauge",
    (),
    say("Скільки чекає найстаріший лист.", "How long the oldest letter has waited."),
)
LETTERS_DEAD = Metric(
    "mail_dead_letters_count",
    "gauge",
    (),
    say("Листи, які не вдалося доставити.", "Letters that could not be delivered."),
)
LETTERS_SENT = Metric("mail_sent_letters_total", "counter", (), say("Надіслані листи.", "Letters sent."))
LETTERS_FAILED = Metric(
    "mail_failed_tries_total",
    "counter",
    ("reason",),
    say("Невдалі спроби надіслати лист за причиною.", "Failed tries to send a letter, by reason."),
)

METRICS = (
    POINTS_ACCEPTED,
    POINTS_REFUSED,
    POINTS_RETIMED,
    CLOCK_BEHIND,
    BATCHES_REPEATED,
    DEVICE_INFO,
    FACTS_REFUSED,
    ALERTS_FIRING,
    ALERTS_INHIBITED,
    ALERT_ROUND,
    LETTERS_WAITING,
    LETTERS_OLDEST,
    LETTERS_DEAD,
    LETTERS_SENT,
    LETTERS_FAILED,
)
