"""Owns the words of the inventory's tables and files: columns, their Ukrainian headers, what may stand in a cell.

Data and the few functions that match what people write against it. Tables say «вулиця», YAML says `street`; both are
read everywhere.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass

from beket.kernel.inventory import Camera, Device, Provider, Service, Site
from beket.kernel.text import Text, say
from collector.inventory.changes import Thing, ThingKind
from collector.inventory.checks import did_you_mean

# Letters that look the same and get mixed by every keyboard that has both layouts.
_SAME_SHAPE = str.maketrans("aceiopxyktmhb", "асеіорхуктмнв")
_WHOLE = re.compile(
    r"(\d{1,6})(?:[.,]0+)?\s*(?:дн|день|дні|днів|діб|доба|доби|days?|год|година|години|годин|hours?)?\.?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a thing in a table.

    Attributes:
        field: its name in the value type and in YAML.
        header: what stands above it.
        variants: other headers that mean it.
        explain: one sentence of the template.
        examples: its cells in the template's two example rows.
        words: for a choice: value → what tables say first, then what else is understood.
        is_number: whole days or hours, not text.
    """

    field: str
    header: str
    variants: tuple[str, ...]
    explain: str
    examples: tuple[str, str]
    words: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: the things of one kind.

    Attributes:
        ignored: headers that people keep for themselves; the program leaves such columns unread.
    """

    kind: ThingKind
    thing_type: type[Thing]
    title: str
    titles: tuple[str, ...]
    columns: tuple[Column, ...]
    ignored: tuple[str, ...]

    def headers(self) -> dict[str, Column]:
        """The column that each folded header means."""
        return {fold(t): column for column in self.columns for t in (column.header, column.field, *column.variants)}

    def ignores(self, header: str) -> bool:
        """Whether a column with this header is the author's own."""
        return fold(header) in {fold(text) for text in self.ignored}

    def nearest(self, header: str) -> Text | None:
        """A hint with the header that was probably meant."""
        return did_you_mean(header, {text: c.header for c in self.columns for text in (c.header, *c.variants)})


def fold(text: str) -> str:
    """What is left of a word when case, spaces, punctuation and look-alike letters do not matter.

    Example:
        >>> fold("Строк  зберігання (днів)") == fold("СТРОК ЗБЕРIГАННЯ, днів")
        True
    """
    return "".join(letter for letter in text.casefold() if letter.isalnum()).translate(_SAME_SHAPE)


def read_choice(column: Column, written: str) -> str | None:
    """The value that `written` means among the column's words, or None."""
    wanted = fold(written)
    for value, words in column.words.items():
        if wanted in {fold(text) for text in (value, *words)}:
            return value
    return None


def choices_hint(column: Column, written: str) -> Text:
    """What may be written in a column of choices, the nearest alone when there is one."""
    near = did_you_mean(written, {text: words[0] for value, words in column.words.items() for text in (value, *words)})
    allowed = ", ".join(words[0] for words in column.words.values())
    return near or say("Можливо: {allowed}.", "Possible: {allowed}.", allowed=allowed)


def read_whole(written: str) -> int | None:
    """A whole number from «30», «30,0», «30 днів» or «7 годин»; None when it is something else."""
    match = _WHOLE.fullmatch(written)
    return int(match.group(1)) if match else None


_ID_EXPLAIN = "Латиницею, ніколи не змінюється. Порожньо: програма складе з назви."
_OWN = ("№", "№ з/п", "Номер", "Примітка", "Примітки", "Коментар", "Коментарі")
_PLACE_OF_SITE = ("Село", "Населений пункт", "Старостинський округ", "Округ", "Назва об'єкта")

SITES = Sheet(
    ThingKind.SITE,
    Site,
    "Об'єкти",
    ("Об'єкт", "Заклади", "Будівлі", "sites"),
    (
        Column(
            "name",
            "Назва",
            ("Назва об'єкта", "Найменування", "Об'єкт", "Заклад"),
            "Як об'єкт називають люди.",
            ("Приклад: Ліцей", "Приклад: Амбулаторія"),
        ),
        Column("id", "Ідентифікатор", ("ID", "Код", "Ід", "Слаг"), _ID_EXPLAIN, ("", "")),
        Column(
            "village",
            "Село",
            ("Населений пункт", "Селище", "Місто", "Село/селище"),
            "Населений пункт, де він стоїть.",
            ("Цибульківка", "Могилів"),
        ),
        Column(
            "district",
            "Старостинський округ",
            ("Округ", "Староста", "Старостат"),
            "Порожньо для центру громади.",
            ("Цибульківський", ""),
        ),
        Column("provider", "Провайдер", ("Постачальник інтернету", "Інтернет"), "Хто дає інтернет.", ("", "")),
    ),
    _OWN,
)

_SITE_COLUMN = Column(
    "site",
    "Об'єкт",
    ("Ідентифікатор об'єкта", "ID об'єкта", "Заклад", "Будівля", "Де стоїть"),
    "Ідентифікатор або точна назва з таблиці «Об'єкти».",
    ("litsei-tsybulkivka", "ambulatoriia-mohyliv"),
)
_SECRET_COLUMN = Column(
    "secret",
    "Секрет",
    ("Назва секрету", "Ім'я секрету"),
    "Назва, під якою збережено пароль. Сам пароль сюди не пишуть.",
    ("", ""),
)

DEVICES = Sheet(
    ThingKind.DEVICE,
    Device,
    "Пристрої",
    ("Пристрій", "Обладнання", "devices"),
    (
        Column(
            "name",
            "Назва",
            ("Назва пристрою", "Найменування", "Пристрій"),
            "Як пристрій називають люди.",
            ("Приклад: Комутатор у серверній", "Приклад: ДБЖ"),
        ),
        Column("id", "Ідентифікатор", ("ID", "Код", "Ід", "Слаг"), _ID_EXPLAIN, ("", "")),
        _SITE_COLUMN,
        Column(
            "kind",
            "Вид",
            ("Тип", "Вид пристрою", "Тип пристрою"),
            "Маршрутизатор, комутатор, точка доступу, радіоміст, ДБЖ, принтер, сервер, реєстратор або інше.",
            ("комутатор", "ДБЖ"),
            {
                "router": ("маршрутизатор", "роутер"),
                "switch": ("комутатор", "свіч", "світч"),
                "access-point": ("точка доступу", "точка доступа", "Wi-Fi"),
                "radio-link": ("радіоміст", "радіолінк", "радіоканал"),
                "ups": ("ДБЖ", "безперебійник", "УПС"),
                "printer": ("принтер", "БФП"),
                "server": ("сервер",),
                "recorder": ("реєстратор", "відеореєстратор", "NVR", "DVR"),
                "other": ("інше", "інший"),
            },
        ),
        Column(
            "address",
            "Адреса",
            ("IP", "IP-адреса", "Адреса пристрою", "Мережева адреса"),
            "IP або назва вузла.",
            ("10.20.1.2", "10.20.2.5"),
        ),
        Column(
            "snmp",
            "SNMP",
            ("Версія SNMP",),
            "v2c, v1 або немає.",
            ("v2c", "v1"),
            {"off": ("немає", "ні", "вимкнено", "-"), "v1": ("v1", "1"), "v2c": ("v2c", "v2", "2", "2c")},
        ),
        _SECRET_COLUMN,
        Column(
            "shell",
            "Командний рядок",
            ("SSH", "Адреса SSH", "Вхід по SSH"),
            "Щоб копіювати налаштування: сімейство://логін@адреса. Без пароля. Порожньо: не заходити.",
            ("dlink://beket@10.20.1.2", ""),
        ),
        Column(
            "shell_secret",
            "Секрет SSH",
            ("Секрет командного рядка", "Пароль SSH"),
            "Назва, під якою пароль або ключ збережено на об'єкті. Сам пароль сюди не пишуть.",
            ("switch-ssh", ""),
        ),
        Column(
            "host_key",
            "Ключ SSH",
            ("Відбиток ключа", "Відбиток SSH"),
            "SHA256:… із самого пристрою. Порожньо: ключ схвалюють на об'єкті.",
            ("", ""),
        ),
    ),
    (*_OWN, *_PLACE_OF_SITE),
)

CAMERAS = Sheet(
    ThingKind.CAMERA,
    Camera,
    "Камери",
    ("Камера", "Відеокамери", "Перелік камер", "Реєстр камер", "cameras"),
    (
        Column(
            "name",
            "Назва",
            ("Назва камери", "Найменування", "Камера"),
            "Що видно: «Головний вхід».",
            ("Приклад: Головний вхід", "Приклад: Перехрестя"),
        ),
        Column("id", "Ідентифікатор", ("ID", "Код", "Ід", "Слаг"), _ID_EXPLAIN, ("", "")),
        _SITE_COLUMN,
        Column(
            "url",
            "Адреса потоку",
            ("Потік", "RTSP", "Адреса камери", "Основний потік", "URL", "Посилання на потік"),
            "rtsp://адреса/шлях, без логіна й пароля.",
            ("rtsp://10.20.1.11:554/main", "rtsp://10.20.2.11:554/main"),
        ),
        Column(
            "sub_url",
            "Адреса малого потоку",
            ("Малий потік", "Другий потік", "Додатковий потік", "Субпотік"),
            "Потік малого розміру для стіни; може бути порожньо.",
            ("rtsp://10.20.1.11:554/sub", ""),
        ),
        _SECRET_COLUMN,
        Column(
            "purpose",
            "Призначення",
            ("Мета", "Мета спостереження", "Ціль"),
            "Навіщо камера знімає, одним реченням для мешканців. Без цього запису немає.",
            ("Безпека учнів на вході", "Безпека дорожнього руху"),
        ),
        Column(
            "basis",
            "Підстава",
            ("Рішення", "Правова підстава", "Документ"),
            "Рішення з номером і датою. Без цього запису немає.",
            ("Рішення сесії № 7 від 01.02.2024", "Рішення сесії № 7 від 01.02.2024"),
        ),
        Column(
            "retention_days",
            "Строк зберігання (днів)",
            ("Строк зберігання", "Термін зберігання", "Термін зберігання (днів)", "Зберігати днів", "Днів"),
            "Від 1 до 365. Без цього запису немає.",
            ("14", "30"),
            is_number=True,
        ),
        Column(
            "access",
            "Клас доступу",
            ("Доступ", "Клас", "Категорія"),
            "Вулиця, вхід, діти, пацієнти, працівники, житло або критична інфраструктура. Без цього запису немає.",
            ("діти", "вулиця"),
            {
                "street": ("вулиця", "дорога"),
                "entrance": ("вхід", "вхід до будівлі"),
                "children": ("діти", "учні"),
                "patients": ("пацієнти", "хворі"),
                "staff": ("працівники", "персонал"),
                "homes": ("житло", "житлові будинки"),
                "critical": ("критична інфраструктура", "критична", "КІ"),
            },
        ),
        Column(
            "upload",
            "Передавання в центр",
            ("Передавання", "Передача", "Вивантаження"),
            "Завжди, малий потік і рух або на запит.",
            ("малий потік і рух", "завжди"),
            {
                "always": ("завжди", "постійно"),
                "sub-stream+motion": ("малий потік і рух", "рух"),
                "on-request": ("на запит", "за запитом"),
            },
        ),
    ),
    (*_OWN, *_PLACE_OF_SITE),
)

SERVICES = Sheet(
    ThingKind.SERVICE,
    Service,
    "Служби",
    ("Служба", "Сервіси", "Перевірки", "services"),
    (
        Column(
            "name",
            "Назва",
            ("Назва служби", "Найменування", "Служба", "Сервіс"),
            "Що це для людей: «Сайт громади».",
            ("Приклад: Сайт громади", "Приклад: Лінія провайдера"),
        ),
        Column("id", "Ідентифікатор", ("ID", "Код", "Ід", "Слаг"), _ID_EXPLAIN, ("", "")),
        _SITE_COLUMN,
        Column(
            "address",
            "Адреса служби",
            ("Що перевіряти", "Посилання"),
            "https://, http://, tcp://, tls://, dns://, ntp://, rtsp://, ping://, whois://, rdap:// або mail://.",
            ("https://rada.example.ua/", "ping://192.0.2.1"),
        ),
        Column(
            "expect",
            "Має бути у відповіді",
            ("Очікувати", "Слово на сторінці", "Відповідь"),
            "Слово на сторінці, адреса для DNS; може бути порожньо.",
            ("громада", ""),
        ),
        _SECRET_COLUMN,
    ),
    (*_OWN, *_PLACE_OF_SITE),
)

PROVIDERS = Sheet(
    ThingKind.PROVIDER,
    Provider,
    "Провайдери",
    ("Постачальники інтернету", "providers"),
    (
        Column(
            "name",
            "Назва",
            ("Назва провайдера", "Найменування"),
            "Як його названо в таблиці «Об'єкти».",
            ("Приклад: Степлінк", "Приклад: Радіомережа"),
        ),
        Column("id", "Ідентифікатор", ("ID", "Код", "Ід", "Слаг"), _ID_EXPLAIN, ("", "")),
        Column(
            "phone",
            "Телефон",
            ("Телефон підтримки", "Гаряча лінія", "Тел"),
            "Куди дзвонити, коли немає інтернету.",
            ("0 800 000 000", ""),
        ),
        Column(
            "contract",
            "Договір",
            ("Номер договору", "Договір №"),
            "Номер і дата договору, для претензії.",
            ("№ 12 від 01.02.2024", ""),
        ),
        Column(
            "down_hours_max",
            "Простій за договором (годин на місяць)",
            ("Простій за договором", "Дозволений простій", "SLA, годин"),
            "Скільки годин на місяць лінія може не працювати; порожньо — у договорі не сказано.",
            ("7", ""),
            is_number=True,
        ),
    ),
    _OWN,
)

SHEETS = (SITES, DEVICES, CAMERAS, SERVICES, PROVIDERS)
