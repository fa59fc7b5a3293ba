"""Owns what several pages share: the choices at their top, headings of columns, and Ukrainian words for values."""

from agents.network import metrics as network
from agents.services import metrics as services
from beket.kernel.metrics import Metric
from dashboards.grafana.panels import Mark, Variable
from dashboards.grafana.queries import series

SITE, DEVICE, CAMERA, PORT = ("site", "Об'єкт"), ("device", "Пристрій"), ("camera", "Камера"), ("port", "Порт")
PART, VALUE = ("part", "Частина"), "Value"
PLAN, HOST, REASON = ("plan", "План"), ("agent", "Комп'ютер"), ("reason", "Стан")
WORKS = (("1", "працює", "green"), ("0", "не працює", "red"))
RECORDS = (("1", "записує", "green"), ("0", "не записує", "red"))
ANSWERS = (("1", "відповідає", "green"), ("0", "мовчить", "red"))
LIGHT = (("1", "світло є", "green"), ("0", "світла немає", "dark-gray"))
LINKED = (("1", "є зв'язок", "green"), ("0", "немає", "dark-gray"))
DEFAULT = ((None, "green"),)
BAD_WHEN_ANY = ((None, "green"), (1, "red"))
BAD_WHEN_BELOW_ONE = ((None, "red"), (1, "green"))
GIB, DAY_S = 1024**3, 86_400
WEEK_S, MONTH_S = 7 * DAY_S, 30 * DAY_S
# Codes of labels that a reader meets, in plain words.
REASONS = (
    ("EIO", "диск не читає й не пише"),
    ("ENOSPC", "диск повний"),
    ("age", "за строком"),
    ("space", "бракує місця"),
    ("full", "черга переповнена"),
    ("disk", "збій диска"),
    ("refused", "база відхилила"),
    ("raw", "виміри"),
    ("5min", "за п'ять хвилин"),
    ("1h", "за годину"),
    ("unknown-metric", "невідомий вимір"),
    ("wrong-labels", "хибні мітки"),
    ("other-site", "чужий об'єкт"),
    ("not-a-number", "не число"),
    ("not-understood", "незрозумілі"),
)
OUTCOMES = (
    ("ok", "гаразд", "green"),
    ("partial", "не все", "orange"),
    ("deferred", "відкладено", "blue"),
    ("locked", "сховище зайняте", "orange"),
    ("auth", "пароль не підходить", "red"),
    ("missing", "сховища немає", "red"),
    ("damaged", "пошкоджено", "red"),
    ("cancelled", "скасовано", "blue"),
    ("failed", "не вдалося", "red"),
)
LATENESS = (
    ("fresh", "свіжа копія", "green"),
    ("late", "копія застаріла", "orange"),
    ("never", "ще немає копії", "blue"),
)
PROOFS = (
    ("proven", "доведено", "green"),
    ("stale", "давно не перевіряли", "orange"),
    ("never", "ще не перевіряли", "orange"),
    ("wrong", "не відновлюється", "red"),
    ("no-copy", "ще немає копії", "blue"),
)
STANDINGS = (
    ("fresh", "свіжі копії", "green"),
    ("late", "запізнюються", "orange"),
    ("silent", "комп'ютер мовчить", "orange"),
    ("lying", "каже, що є, а немає", "red"),
    ("empty", "ще немає копій", "blue"),
    ("gone", "сховище зникло", "red"),
    ("elsewhere", "копії деінде", "blue"),
)


def community_and_site(metric: Metric = network.DEVICE_UP) -> tuple[Variable, Variable]:
    """The choices of a community and of those sites that have `metric`."""
    return (
        Variable("community", "Громада", metric.name),
        Variable("site", "Об'єкт", f'{metric.name}{{community=~"$community"}}'),
    )


def blackouts() -> Mark:
    """When there was no light at the sites that the viewer chose."""
    return Mark("Відключення світла", f"(1 - {series(services.SITE_LIGHT)}) > 0", "Немає світла: {{site}}")
