"""Files there and back, and files as people make them. No database: what the store adds is tested with the store."""

import datetime
import io

import msgspec
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beket.kernel.errors import InvalidArgument
from beket.kernel.ids import CameraId, SiteId
from beket.kernel.inventory import AccessClass, Camera, DeviceKind, Inventory, Upload
from beket.testing.inventories import EMPTY, community_of_real_size, inventories
from collector.inventory.changes import ThingKind
from collector.inventory.columns import CAMERAS, SHEETS, SITES
from collector.inventory.csv_files import rows_to_csv, write_csv
from collector.inventory.draft import InventoryMistakes
from collector.inventory.plan import ChangePlan, plan_change
from collector.inventory.template import template_csv, template_rows, template_xlsx
from collector.inventory.transfer import FILE_MAX_BYTES, FileFormat, export, read_file
from collector.inventory.xlsx import write_xlsx

WHOLE = community_of_real_size()
CSV_FORMATS = {
    ThingKind.SITE: FileFormat.CSV_SITES, ThingKind.DEVICE: FileFormat.CSV_DEVICES,
    ThingKind.CAMERA: FileFormat.CSV_CAMERAS, ThingKind.SERVICE: FileFormat.CSV_SERVICES,
    ThingKind.PROVIDER: FileFormat.CSV_PROVIDERS,
}  # fmt: skip

TERM = "«Строк зберігання (днів)»"


def plan_of(data: bytes | str, filename: str, base: Inventory = WHOLE) -> ChangePlan:
    data = data.encode() if isinstance(data, str) else data
    return plan_change(read_file(data, base, filename=filename), base, {})


def mistakes_of(data: bytes | str, filename: str, base: Inventory = WHOLE) -> list[str]:
    with pytest.raises(InventoryMistakes) as caught:
        plan_of(data, filename, base)
    return [mistake.sentence().uk for mistake in caught.value.mistakes]


# There and back -------------------------------------------------------------------------------------------------------


@given(inventories())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_yaml_there_and_back_changes_nothing(inventory: Inventory) -> None:
    data = export(inventory, FileFormat.YAML)
    assert plan_of(data, "a.yaml", inventory).changes == ()
    assert msgspec.structs.replace(plan_of(data, "a.yaml", EMPTY).new, version=0) == inventory


@given(inventories())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_csv_there_and_back_changes_nothing(inventory: Inventory) -> None:
    built = EMPTY
    for file_format in CSV_FORMATS.values():
        data = export(inventory, file_format)
        assert plan_of(data, f"a.{file_format}", inventory).changes == ()
        built = read_file(data, built, filename="a.csv").inventory
    assert built == inventory


@given(inventories())
@settings(max_examples=12, deadline=None)
def test_xlsx_there_and_back_changes_nothing(inventory: Inventory) -> None:
    data = export(inventory, FileFormat.XLSX)
    assert plan_of(data, "a.xlsx", inventory).changes == ()
    assert msgspec.structs.replace(plan_of(data, "a.xlsx", EMPTY).new, version=0) == inventory


def test_nothing_in_an_exported_table_is_a_formula() -> None:
    evil = msgspec.structs.replace(WHOLE.cameras[0], name='=HYPERLINK("http://x";"y")', purpose="@SUM(1)", basis="-1+1")
    inventory = msgspec.structs.replace(WHOLE, cameras=(evil,))
    text = export(inventory, FileFormat.CSV_CAMERAS).decode("utf-8-sig")
    assert "\"'=HYPERLINK(" in text
    assert ";'@SUM(1);'-1+1;" in text
    book = openpyxl.load_workbook(io.BytesIO(export(inventory, FileFormat.XLSX)))
    assert {cell.data_type for row in book["Камери"].iter_rows() for cell in row} == {"s"}
    assert not [cell for row in book["Камери"].iter_rows() for cell in row if str(cell.value).startswith("=")]


def test_exported_yaml_reads_like_a_page() -> None:
    text = export(WHOLE, FileFormat.YAML).decode()
    assert "community:\n  id: zhuravlyna\n  name: Журавлинська громада\nsites:\n- id: site-00\n  name: Рада 0\n" in text


# As people make them --------------------------------------------------------------------------------------------------

SITES_OF_PEOPLE = "Назва об'єкта;Населений пункт;Старостинський округ;Провайдер;Примітка\r\n" + "".join(
    f"Школа № {n};с. Яр-{n};;Степлінк;\r\n" for n in range(31)
)
CAMERAS_OF_PEOPLE = (
    "Перелік камер громади;;;;;;;\r\n;;;;;;;\r\n"
    "№;НАЗВА;Об’єкт;Село;Адреса  потоку;Призначення;Підстава;Строк зберігання, днiв;Клас доступу\r\n"
    + "".join(
        f"{n + 1};Вхід {n};Школа № {n % 31};Яр;rtsp://10.1.{n}.1/main;Безпека, порядок;"
        f'"Рішення ""Про камери"" № 7";30 днів;{word}\r\n'
        for n, word in zip(
            range(40),
            ["Вулиця", "вхід", "ДІТИ", "пацієнти", "працівники", "житло", "Критична інфраструктура", "вхiд"] * 5,
            strict=True,
        )
    )
    + ";;;;;;;;\r\n" * 60
)


def test_tables_of_31_sites_and_40_cameras_from_excel_in_cp1251_are_read() -> None:
    sites = read_file(SITES_OF_PEOPLE.encode("cp1251"), EMPTY, filename="Об'єкти.csv")
    plan = plan_of(SITES_OF_PEOPLE.encode("cp1251"), "sites.csv", EMPTY)
    assert plan.summary.uk == "Зміни: додати 31 об'єкт, змінити 0, вилучити 0."
    assert plan.new.sites[0].id == "shkola-0-s-yar-0"
    assert plan.notices[0].uk == "sites.csv, рядок 2, «Ідентифікатор»: складено з назви: «shkola-0-s-yar-0»."
    plan = plan_of(CAMERAS_OF_PEOPLE.encode("cp1251"), "cameras.csv", sites.inventory)
    assert plan.summary.uk == "Зміни: додати 40 камер, змінити 0, вилучити 0."
    camera = next(camera for camera in plan.new.cameras if camera.name == "Вхід 2")
    assert (camera.id, camera.retention_days, camera.access) == ("shkola-2-s-yar-2-vkhid-2", 30, AccessClass.CHILDREN)
    assert camera.basis == 'Рішення "Про камери" № 7'
    assert all(camera.may_record() for camera in plan.new.cameras)


def test_the_same_table_without_ids_again_changes_nothing() -> None:
    once = plan_of(SITES_OF_PEOPLE, "sites.csv", EMPTY).new
    again = plan_of(SITES_OF_PEOPLE, "sites.csv", once)
    assert again.changes == ()
    assert "знайдено за назвою" in again.notices[0].uk


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_any_delimiter_and_encoding_of_spreadsheets_is_understood(encoding: str, delimiter: str) -> None:
    text = "Ідентифікатор;Назва;Село\r\nklub;Клуб;Яр\r\n".replace(";", delimiter)
    plan = plan_of(text.encode(encoding), "a.csv", EMPTY)
    assert [(site.id, site.name, site.village) for site in plan.new.sites] == [("klub", "Клуб", "Яр")]


def test_every_mistake_in_a_table_is_listed_with_its_row_and_column_and_a_hint() -> None:
    text = (
        "Ідентифікатор;Назва;Об'єкт;Адреса потоку;Строк зберігання (днів);Клас доступу\n"
        "a;А;site-00;rtsp://10.0.0.1/1;місяць;діті\n"
        "\n"
        "a;Б;syte-00;10.0.0.2;#N/A;вулиця\n"
    )
    assert mistakes_of(text, "cameras.csv") == [
        f"cameras.csv, рядок 2, {TERM}: «місяць» не є цілим числом. Впишіть ціле число, наприклад 30.",
        "cameras.csv, рядок 2, «Клас доступу»: «діті» тут не підходить. Можливо, «діти»?",
        f"cameras.csv, рядок 4, {TERM}: У клітинці помилка таблиці.",
        (
            "cameras.csv, рядок 4, «Ідентифікатор»: Ідентифікатор «a» уже є: "
            "cameras.csv, рядок 2, «Ідентифікатор». Дайте інший."
        ),
        "cameras.csv, рядок 4, «Об'єкт»: Об'єкта «syte-00» немає. Можливо, «site-00»?",
        "cameras.csv, рядок 4, «Адреса потоку»: Адреса потоку має виглядати так: rtsp://10.0.0.5:554/шлях.",
    ]


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        (
            "Назва;Село;Старостинск округ",
            "a.csv, рядок 1, колонка 3: Колонки «Старостинск округ» програма не знає. Можливо, «Старостинський округ»?",
        ),
        ("Назва;Село;Пароль", "a.csv, рядок 1, колонка 3: Колонки «Пароль» програма не знає. Назвіть її «Примітка»."),
        ("Назва;Село;назва", "a.csv, рядок 1, колонка 3: Колонка «Назва» є двічі."),
        ("Назва;Село;", "a.csv, рядок 1, колонка 3: У цій колонці є дані, але немає заголовка."),
        ("Назва;Провайдер;№", "a.csv, рядок 1: Немає колонки «Село»."),
        ("щось;інше;третє", "a.csv: Таблицю не впізнано. Порівняйте заголовки із шаблоном."),
    ],
)  # fmt: skip
def test_a_wrong_header_is_said_alone(header: str, sentence: str) -> None:
    assert mistakes_of(f"{header}\nКлуб;Яр;x\n", "a.csv", EMPTY) == [sentence]


def test_absent_columns_and_absent_kinds_stay_as_they_are() -> None:
    text = "ID;Зберігати днів\n" + "".join(f"{camera.id};7\n" for camera in WHOLE.cameras)
    plan = plan_of(text, "a.csv")
    assert plan.summary.uk == "Зміни: додати 0 камер, змінити 40, вилучити 0."
    assert all([f.field for f in change.fields()] == ["retention_days"] for change in plan.changes)


def test_a_name_that_two_sites_bear_asks_for_the_id() -> None:
    twin = msgspec.structs.replace(WHOLE.sites[1], name=WHOLE.sites[0].name)
    base = msgspec.structs.replace(WHOLE, sites=(WHOLE.sites[0], twin))
    base = msgspec.structs.replace(base, devices=(), cameras=())
    text = "Назва;Об'єкт;Адреса потоку\nВхід;Рада 0;rtsp://10.0.0.1/1\n"
    (said,) = mistakes_of(text, "a.csv", base)
    assert said.endswith("«Об'єкт»: Назву «Рада 0» мають кілька об'єктів: site-00, site-01. Впишіть ідентифікатор.")


def test_equal_names_at_one_site_get_ids_of_their_own() -> None:
    rows = "Вхід;Рада 0;rtsp://10.0.0.1/1\nВхід;Рада 0;rtsp://10.0.0.2/1\n"
    plan = plan_of(f"Назва;Об'єкт;Адреса потоку\n{rows}", "a.csv", msgspec.structs.replace(WHOLE, cameras=()))
    assert [camera.id for camera in plan.new.cameras] == ["site-00-vkhid", "site-00-vkhid-2"]


def test_a_workbook_of_people_with_numbers_dates_and_a_sheet_of_their_own_is_read() -> None:
    book = openpyxl.Workbook()
    cameras = book.active
    assert cameras is not None
    cameras.title = "камери "
    for row in [
        ["Назва", "ID", "Об'єкт", "Потік", "Строк зберігання (днів)", "Підстава", "Клас"],
        [12, 7.0, "site-00", "rtsp://10.0.0.1/1", 30.0, datetime.date(2024, 2, 1), "вулиця"],
        [None] * 7,
    ]:
        cameras.append(row)
    cameras.cell(row=3000, column=1).number_format = "@"
    book.create_sheet("Контакти").append(["Петренко", "067"])
    book.create_sheet("Аркуш3")
    packed = io.BytesIO()
    book.save(packed)
    plan = plan_of(packed.getvalue(), "a.xlsx", msgspec.structs.replace(WHOLE, cameras=()))
    (camera,) = plan.new.cameras
    assert (camera.name, camera.id, camera.retention_days, camera.basis) == ("12", "7", 30, "01.02.2024")
    assert plan.notices[0].uk == "«Контакти» не прочитано: заголовків не впізнано."


def test_an_error_cell_and_a_second_table_of_a_kind_are_said() -> None:
    row = ["#REF!", "", "Яр", "", ""]
    data = write_xlsx([(SITES, [[column.header for column in SITES.columns], row])])
    assert mistakes_of(data, "a.xlsx", EMPTY) == [
        "Об'єкти, рядок 2, «Назва»: У клітинці помилка таблиці.",
        "Об'єкти, рядок 2, «Назва»: Це треба заповнити.",
    ]
    twice = openpyxl.load_workbook(io.BytesIO(data))
    twice.copy_worksheet(twice["Об'єкти"]).title = "Ще об'єкти"
    packed = io.BytesIO()
    twice.save(packed)
    assert mistakes_of(packed.getvalue(), "a.xlsx", EMPTY)[0].startswith("a.xlsx: Дві таблиці про одне й те саме")


# Template -------------------------------------------------------------------------------------------------------------


def test_an_untouched_template_adds_nothing() -> None:
    plan = plan_of(template_xlsx(), "шаблон.xlsx", EMPTY)
    assert plan.changes == ()
    assert [notice.uk for notice in plan.notices] == [f"{sheet.title}: пропущено 3 рядки шаблону." for sheet in SHEETS]
    for kind in CSV_FORMATS:
        assert plan_of(template_csv(kind), "a.csv", EMPTY).changes == ()


def test_a_filled_in_template_becomes_what_its_examples_say() -> None:
    filled = [
        (sheet, [[cell.removeprefix("Приклад: ") for cell in row] for row in template_rows(sheet)]) for sheet in SHEETS
    ]
    plan = plan_of(write_xlsx(filled), "a.xlsx", EMPTY)
    assert plan.summary.uk == (
        "Зміни: додати 2 провайдерів, змінити 0, вилучити 0; додати 2 служби, змінити 0, вилучити 0; "
        "додати 2 камери, змінити 0, вилучити 0; додати 2 пристрої, змінити 0, вилучити 0; "
        "додати 2 об'єкти, змінити 0, вилучити 0."
    )
    assert all(camera.may_record() for camera in plan.new.cameras)
    assert {site.id for site in plan.new.sites} == {camera.site for camera in plan.new.cameras}
    assert plan_of(rows_to_csv(filled[0][1]), "a.csv", EMPTY).new.sites == plan.new.sites


def test_the_template_explains_each_column_and_lists_each_choice() -> None:
    for sheet in SHEETS:
        _, explain, *examples = template_rows(sheet)
        assert all(explain)
        assert all(len(row) == len(explain) for row in examples)
    for column, words in [(c.words, set(c.words)) for sheet in SHEETS for c in sheet.columns if c.words]:
        assert words in (set(AccessClass), set(DeviceKind), set(Upload), {"off", "v1", "v2c"}), column


# YAML -----------------------------------------------------------------------------------------------------------------


def test_every_mistake_in_yaml_is_listed_with_its_path_and_line() -> None:
    text = (
        "version: 1\ncomunity: {id: zhuravlyna}\nsites:\n- {id: club, name: Клуб, village: Яр, vilage: x}\n"
        "- village: Яр\n  name: [a]\n  id: no\ncameras:\n- id: c\n  name: К\n  site: clab\n  url: rtsp://10.0.0.1/1\n"
        "  access: chidren\n  retention_days: '5.5'\n  id: d\n"
    )
    assert mistakes_of(text, "a.yaml", EMPTY) == [
        "a.yaml (рядок 2): Ключа «comunity» немає. Можливо, «community»?",
        "sites[0] (рядок 4): Ключа «vilage» немає. Можливо, «village»?",
        "sites[1].name (рядок 6): Тут має бути одне значення.",
        "cameras[0] (рядок 15): Ключ «id» є двічі.",
        "cameras[0].retention_days (рядок 14): «5.5» не є цілим числом. Впишіть ціле число, наприклад 30.",
        "cameras[0].access (рядок 13): «chidren» тут не підходить. Можливо, «діти»?",
        "sites[1].name (рядок 6): Це треба заповнити.",
        "cameras[0].site (рядок 11): Об'єкта «clab» немає. Можливо, «club»?",
    ]


def test_yaml_without_a_list_keeps_it_and_with_an_empty_one_empties_it() -> None:
    assert plan_of("version: 1\nsites: []\n", "a.yaml", msgspec.structs.replace(WHOLE, devices=(), cameras=())).new == (
        Inventory(version=2, community=WHOLE.community)
    )
    assert plan_of("community: {name: Нова}\n", "a.yml").summary.uk == "Зміни: змінити назву громади."


def test_yaml_words_stay_words() -> None:
    text = "sites: [{id: 0123, name: no, village: 2024-02-01, district: null, provider: 'null'}]"
    (site,) = plan_of(text, "a.yaml", EMPTY).new.sites
    assert (site.id, site.name, site.village, site.district, site.provider) == ("0123", "no", "2024-02-01", "", "null")


def test_yaml_of_another_version_warns_that_changes_will_be_undone() -> None:
    data = export(WHOLE, FileFormat.YAML)
    assert plan_of(data, "a.yaml").notices == ()
    (notice,) = plan_of(data, "a.yaml", msgspec.structs.replace(WHOLE, version=3)).notices
    assert notice.uk == "Файл зроблено з версії 1, а зараз 3: зміни, прийняті між ними, буде скасовано."


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a: &x [1]\nsites: *x\n", "a.yaml, рядок 1: Посилання"),
        ("sites: !!python/object/apply:os.system [id]\n", "a.yaml, рядок 1: Посилання"),
        ("sites: [[[[[[1]]]]]]", "a.yaml, рядок 1: Посилання"),
        ("[" * 100_000, "Це не YAML"),
        ("a: [", "Це не YAML"),
        ("", "Файл порожній"),
        ("{}", "Файл порожній"),
        ("слово", "пари «ключ: значення»"),
        ("sites: 5", "Тут має бути список"),
        ("sites: [5]", "пари «ключ: значення»"),
        ("a: 1\n---\nb: 2\n", "Це не YAML"),
        ("a: \0", "Це не YAML"),
    ],
)
def test_yaml_that_is_not_an_inventory_is_refused_in_words(text: str, part: str) -> None:
    assert any(part in said for said in mistakes_of(text, "a.yaml"))


# Hostile files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "filename", "part"),
    [
        (b"\xd0\xcf\x11\xe0" + bytes(100), "a.xls", "старий формат Excel"),
        (b"PK\x03\x04garbage", "a.xlsx", "не таблиця .xlsx"),
        (bytes(range(256)), "a.csv", "не текст"),
        (b'"never closed;', "a.csv", "не за правилами CSV"),
        ("Назва;Село\n".encode() + b"a;b\n" * 5001, "a.csv", "завелика"),
        ("Назва;Село\n".encode() + b"a" * 3000 + b";b\n", "a.csv", "довша за 2000"),
        (b";" * 100 + b"x\n", "a.csv", "завелика"),
        (b"a" * (FILE_MAX_BYTES + 1), "a.csv", "завеликий"),
        (b"\xff\xfe", "a.yaml", "не в кодуванні UTF-8"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_words(data: bytes, filename: str, part: str) -> None:
    (said,) = mistakes_of(data, filename)
    assert part in said


TEXTS = st.lists(
    st.sampled_from(["Назва", "Село", "ID", "Об'єкт", "Адреса потоку", ";", ",", "\n", '"', "a", "=", "\t"])
)


@given(st.one_of(st.binary(max_size=200), TEXTS.map(lambda parts: "".join(parts).encode())))
@settings(max_examples=150)
def test_any_bytes_as_csv_or_yaml_are_read_or_refused_as_our_mistake(data: bytes) -> None:
    for filename in ("a.csv", "a.yaml"):
        try:
            plan_of(data, filename)
        except InvalidArgument as error:
            assert isinstance(error, InventoryMistakes)  # noqa: PT017 - either outcome is right


YAML_TEXTS = st.lists(
    st.sampled_from(["sites", "cameras", ":", " ", "\n", "- ", "{", "}", "[", "]", "id", "&a", "*a", "'", "|"])
)


@given(YAML_TEXTS.map("".join))
@settings(max_examples=150)
def test_any_yaml_is_read_or_refused_as_our_mistake(text: str) -> None:
    try:
        plan_of(text, "a.yaml")
    except InvalidArgument as error:
        assert isinstance(error, InventoryMistakes)  # noqa: PT017 - either outcome is right


def test_unused_columns_of_a_known_camera_are_left_unread() -> None:
    camera = Camera(id=CameraId("c"), site=SiteId("site-00"), name="К", url="rtsp://10.0.0.9/1")
    base = msgspec.structs.replace(WHOLE, cameras=(camera,))
    lines = write_csv(base, CAMERAS).decode("utf-8-sig").splitlines()
    text = "\n".join(f"{line};{note}" for line, note in zip(lines, ["Примітка", "стара"], strict=True))
    assert plan_of(text, "a.csv", base).changes == ()
