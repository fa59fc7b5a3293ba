"""Owns the names of what the centre counts about the community's computers."""

from beket.kernel.metrics import Metric
from beket.kernel.text import say

_SITE = ("site",)

KNOWN = Metric("computers_known_count", "gauge", _SITE, say("Комп'ютери, які розповіли про себе.", "Computers known."))
MODERN = Metric(
    "computers_modern_ratio",
    "gauge",
    _SITE,
    say("Яка частка комп'ютерів годиться для роботи.", "Share of computers that are fit for work."),
)
FINDINGS = Metric(
    "computers_with_finding_count",
    "gauge",
    ("site", "reason"),
    say("Комп'ютери, в яких щось не гаразд, за причиною.", "Computers with something not well, by reason."),
)
URGENT = Metric(
    "computers_urgent_count",
    "gauge",
    _SITE,
    say("Комп'ютери, які потребують негайної уваги.", "Computers that need attention now."),
)
FATES = Metric(
    "computers_in_list_count",
    "gauge",
    ("site", "reason"),
    say("Комп'ютери за тим, що з ними далі.", "Computers by what follows for them."),
)
OLDEST_REPORT = Metric(
    "computers_oldest_report_age_seconds",
    "gauge",
    _SITE,
    say("Вік найдавнішого звіту комп'ютера.", "Age of the oldest computer report."),
)

METRICS = (KNOWN, MODERN, URGENT, FINDINGS, FATES, OLDEST_REPORT)
