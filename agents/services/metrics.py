"""Owns the names of what probes measure of declared services."""

from beket.kernel.metrics import Metric
from beket.kernel.text import say

_PROBE = ("site", "probe")

PROBE_UP = Metric(
    "probe_up_ratio", "gauge", _PROBE, say("Служба працює: 1 так, 0 ні.", "The service works: 1 yes, 0 no.")
)
PROBE_DURATION = Metric(
    "probe_duration_seconds", "gauge", _PROBE, say("За скільки служба відповіла.", "How soon the service answered.")
)
PROBE_TROUBLE = Metric(
    "probe_trouble_ratio",
    "gauge",
    (*_PROBE, "reason"),
    say("Що не так зі службою: 1 зараз є, 0 минуло.", "What is wrong with the service: 1 now, 0 over."),
)
PROBE_CERTIFICATE_LEFT = Metric(
    "probe_certificate_left_seconds",
    "gauge",
    _PROBE,
    say("Скільки ще діє сертифікат; менше нуля — закінчився.", "How long the certificate is still valid."),
)
PROBE_DOMAIN_LEFT = Metric(
    "probe_domain_left_seconds",
    "gauge",
    _PROBE,
    say("Скільки ще оплачено домен; менше нуля — закінчився.", "How long the domain is still paid."),
)
PROBE_CLOCK_OFFSET = Metric(
    "probe_clock_offset_seconds",
    "gauge",
    _PROBE,
    say("На скільки сервер часу попереду годинника агента.", "How far the time server is ahead of the agent's clock."),
)
PROBE_CLOCK_STRATUM = Metric(
    "probe_clock_stratum_count",
    "gauge",
    _PROBE,
    say("Скільки кроків від сервера до еталонного годинника.", "Steps from the server to a reference clock."),
)

_LINK = ("site", "provider", "probe")

LINK_UP = Metric(
    "link_up_ratio",
    "gauge",
    _LINK,
    say("Вузол за лінією провайдера відповідає: 1 так, 0 ні.", "The host beyond the line answers: 1 yes, 0 no."),
)
LINK_LOSS = Metric(
    "link_loss_ratio",
    "gauge",
    _LINK,
    say("Частка пакетів, загублених лінією провайдера.", "Share of packets that the provider's line lost."),
)
LINK_LATENCY = Metric(
    "link_latency_seconds",
    "gauge",
    _LINK,
    say("Час туди й назад лінією провайдера, середній.", "Mean time there and back over the provider's line."),
)
LINK_JITTER = Metric(
    "link_jitter_seconds",
    "gauge",
    _LINK,
    say("На скільки один пакет іде довше за інший.", "How much one packet takes longer than the next."),
)
LINK_FAULT = Metric(
    "link_fault_ratio",
    "gauge",
    _LINK,
    say(
        "Лінія не працює, хоча світло на об'єкті є: 1 так, 0 ні.",
        "The line is down although the site has power: 1 yes, 0 no.",
    ),
)
LINK_BLACKOUT = Metric(
    "link_blackout_ratio",
    "gauge",
    _LINK,
    say(
        "На об'єкті немає світла, провайдер за це не відповідає: 1 так, 0 ні.",
        "The site has no power, which is not the provider's fault: 1 yes, 0 no.",
    ),
)
LINK_PROMISED = Metric(
    "link_promised_ratio",
    "gauge",
    _LINK,
    say(
        "Яку частку місяця лінія має працювати за договором.",
        "The share of a month that the line must work by the contract.",
    ),
)
SITE_LIGHT = Metric(
    "site_light_ratio",
    "gauge",
    ("site",),
    say("На об'єкті є світло: 1 так, 0 ні.", "The site has mains power: 1 yes, 0 no."),
)

METRICS = (
    PROBE_UP,
    PROBE_DURATION,
    PROBE_TROUBLE,
    PROBE_CERTIFICATE_LEFT,
    PROBE_DOMAIN_LEFT,
    PROBE_CLOCK_OFFSET,
    PROBE_CLOCK_STRATUM,
    LINK_UP,
    LINK_LOSS,
    LINK_LATENCY,
    LINK_JITTER,
    LINK_FAULT,
    LINK_BLACKOUT,
    LINK_PROMISED,
    SITE_LIGHT,
)
