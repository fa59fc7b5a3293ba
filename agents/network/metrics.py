"""Owns the names of what the poller measures. Counters are raw: they wrap and reset as the device's own do.

An honest rate is made at the centre, from the counter together with `device_uptime_seconds` and
`port_discontinuity_seconds`: where either says that counting began anew, there is no rate, never a spike.
"""

from agents.network import gear_metrics
from beket.kernel.metrics import Metric
from beket.kernel.text import say

_DEVICE = ("site", "device")
_PORT = ("site", "device", "port")

DEVICE_UP = Metric(
    "device_up_ratio",
    "gauge",
    _DEVICE,
    say("Пристрій відповідає хоч на щось: 1 так, 0 ні.", "The device answers to anything: 1 yes, 0 no."),
)
DEVICE_SNMP_UP = Metric(
    "device_snmp_up_ratio",
    "gauge",
    _DEVICE,
    say("Пристрій відповідає на SNMP: 1 так, 0 ні.", "The device answers SNMP: 1 yes, 0 no."),
)
DEVICE_PING_LOSS = Metric(
    "device_ping_loss_ratio",
    "gauge",
    _DEVICE,
    say("Частка втрачених пакетів.", "Share of packets lost."),
)
DEVICE_PING_LATENCY = Metric(
    "device_ping_latency_seconds",
    "gauge",
    _DEVICE,
    say("Час до пристрою й назад, середній.", "Mean time there and back."),
)
DEVICE_PING_JITTER = Metric(
    "device_ping_jitter_seconds",
    "gauge",
    _DEVICE,
    say("На скільки один пакет іде довше за інший.", "How much one packet takes longer than the next."),
)
DEVICE_UPTIME = Metric(
    "device_uptime_seconds",
    "gauge",
    _DEVICE,
    say("Скільки пристрій працює без перезапуску.", "How long the device has run since its last start."),
)
DEVICE_POLL_DURATION = Metric(
    "device_poll_duration_seconds",
    "gauge",
    _DEVICE,
    say("Скільки тривало опитування.", "How long the poll took."),
)
DEVICE_POLL_VALUES = Metric(
    "device_poll_values_count",
    "gauge",
    _DEVICE,
    say("Скільки значень прочитано за опитування.", "How many values the poll read."),
)
DEVICE_POLL_INCOMPLETE = Metric(
    "device_poll_incomplete_total",
    "counter",
    ("site", "device", "reason"),
    say("Неповні опитування за причиною.", "Polls that were not complete, by reason."),
)
POLLS_MISSED = Metric(
    "device_polls_missed_total",
    "counter",
    _DEVICE,
    say("Опитування, на які не вистачило часу.", "Polls that there was no time for."),
)
SNMP_ODD_ANSWERS = Metric(
    "snmp_odd_answers_total",
    "counter",
    ("site", "reason"),
    say("Зайві або дивні відповіді SNMP за причиною.", "Stray or odd SNMP answers, by reason."),
)
PORT_IN = Metric("port_in_bytes_total", "counter", _PORT, say("Отримано портом.", "Received by the port."))
PORT_OUT = Metric("port_out_bytes_total", "counter", _PORT, say("Надіслано портом.", "Sent by the port."))
PORT_IN_ERRORS = Metric(
    "port_in_errors_total",
    "counter",
    _PORT,
    say("Зіпсовані пакети на вході порту.", "Damaged packets received by the port."),
)
PORT_OUT_ERRORS = Metric(
    "port_out_errors_total",
    "counter",
    _PORT,
    say("Пакети, які порт не зміг надіслати.", "Packets that the port could not send."),
)
PORT_IN_DISCARDS = Metric(
    "port_in_discards_total",
    "counter",
    _PORT,
    say("Відкинуті пакети на вході порту.", "Packets discarded on receipt."),
)
PORT_OUT_DISCARDS = Metric(
    "port_out_discards_total",
    "counter",
    _PORT,
    say("Відкинуті пакети на виході порту.", "Packets discarded before sending."),
)
TRAPS_HEARD = Metric(
    "device_traps_total",
    "counter",
    ("site", "device"),
    say("Повідомлення (traps), які надіслав пристрій.", "Notifications (traps) that the device sent."),
)
TRAPS_STRANGE = Metric(
    "site_strange_traps_total",
    "counter",
    ("site",),
    say("Повідомлення (traps) з адрес, яких немає в переліку.", "Notifications (traps) from unknown addresses."),
)
PORT_UP = Metric(
    "port_up_ratio", "gauge", _PORT, say("Порт працює: 1 так, 0 ні.", "The port is operational: 1 yes, 0 no.")
)
PORT_SPEED = Metric(
    "port_speed_bps", "gauge", _PORT, say("Швидкість порту, біт за секунду.", "Speed of the port, bits a second.")
)
PORT_DISCONTINUITY = Metric(
    "port_discontinuity_seconds",
    "gauge",
    _PORT,
    say(
        "Час роботи пристрою, коли лічильники порту почалися заново.",
        "Uptime of the device when the port's counters last began anew.",
    ),
)

METRICS = (
    DEVICE_UP,
    DEVICE_SNMP_UP,
    DEVICE_PING_LOSS,
    DEVICE_PING_LATENCY,
    DEVICE_PING_JITTER,
    DEVICE_UPTIME,
    DEVICE_POLL_DURATION,
    DEVICE_POLL_VALUES,
    DEVICE_POLL_INCOMPLETE,
    POLLS_MISSED,
    TRAPS_HEARD,
    TRAPS_STRANGE,
    SNMP_ODD_ANSWERS,
    PORT_IN,
    PORT_OUT,
    PORT_IN_ERRORS,
    PORT_OUT_ERRORS,
    PORT_IN_DISCARDS,
    PORT_OUT_DISCARDS,
    PORT_UP,
    PORT_SPEED,
    PORT_DISCONTINUITY,
    *gear_metrics.METRICS,
)
