import unicodedata
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.errors import InvalidArgument
from beket.kernel.ids import SLUG_MAX_CHARS, check_slug, is_slug, new_uuid, slug_from

# The examples that stand in the resolution's own table (Cabinet of Ministers, No. 55 of 27 January 2010).
RESOLUTION_55 = """
Алушта Alushta, Андрій Andrii, Борщагівка Borshchahivka, Борисенко Borysenko, Вінниця Vinnytsia, Володимир Volodymyr,
Гадяч Hadiach, Богдан Bohdan, Згурський Zghurskyi, Ґалаґан Galagan, Ґорґани Gorgany, Донецьк Donetsk, Дмитро Dmytro,
Рівне Rivne, Олег Oleh, Есмань Esman, Єнакієве Yenakiieve, Гаєвич Haievych, Короп'є Koropie, Житомир Zhytomyr,
Жанна Zhanna, Жежелів Zhezheliv, Закарпаття Zakarpattia, Казимирчук Kazymyrchuk, Медвин Medvyn,
Михайленко Mykhailenko, Іванків Ivankiv, Іващенко Ivashchenko, Їжакевич Yizhakevych, Кадиївка Kadyivka,
Мар'їне Marine, Йосипівка Yosypivka, Стрий Stryi, Олексій Oleksii, Київ Kyiv, Коваленко Kovalenko, Лебедин Lebedyn,
Леонід Leonid, Миколаїв Mykolaiv, Маринич Marynych, Ніжин Nizhyn, Наталія Nataliia, Одеса Odesa, Онищенко Onyshchenko,
Полтава Poltava, Петро Petro, Решетилівка Reshetylivka, Рибчинський Rybchynskyi, Суми Sumy, Соломія Solomiia,
Тернопіль Ternopil, Троць Trots, Ужгород Uzhhorod, Уляна Uliana, Фастів Fastiv, Філіпчук Filipchuk, Харків Kharkiv,
Христина Khrystyna, Біла_Церква Bila_Tserkva, Стеценко Stetsenko, Чернівці Chernivtsi, Шевченко Shevchenko,
Шостка Shostka, Кишеньки Kyshenky, Щербухи Shcherbukhy, Гоща Hoshcha, Гаращенко Harashchenko, Юрій Yurii,
Корюківка Koriukivka, Яготин Yahotyn, Ярошенко Yaroshenko, Костянтин Kostiantyn, Знам'янка Znamianka,
Феодосія Feodosiia, Згорани Zghorany, Розгон Rozghon
"""
EXAMPLES = [tuple(pair.split()) for pair in RESOLUTION_55.replace("\n", " ").split(",")]


@pytest.mark.parametrize(("name", "latin"), EXAMPLES)
def test_slug_transliterates_as_the_resolution_does(name: str, latin: str) -> None:
    assert slug_from(name.replace("_", " ")) == latin.lower().replace("_", "-")


@pytest.mark.parametrize("mark", ["'", "’", "ʼ"])
def test_every_apostrophe_of_the_keyboard_is_silent(mark: str) -> None:
    assert slug_from(f"Слов{mark}янка") == "slovianka"


def test_each_word_begins_anew() -> None:
    assert slug_from("Школа Є-Яр_Юна") == "shkola-ye-yar-yuna"


def test_decomposed_letters_are_the_same_letters() -> None:
    assert slug_from(unicodedata.normalize("NFD", "Їжаківський ліцей")) == "yizhakivskyi-litsei"


@given(st.text())
def test_slug_of_anything_is_a_slug_or_nothing(name: str) -> None:
    slug = slug_from(name)
    assert slug == "" or is_slug(slug)
    assert slug_from(slug) == slug


@pytest.mark.parametrize("slug", ["a", "0", "school-1", "a" * SLUG_MAX_CHARS])
def test_slug_is_accepted(slug: str) -> None:
    assert check_slug(slug, place="site") == slug


@pytest.mark.parametrize("text", ["", "-a", "a-", "A", "a_b", "a/b", "..", "a\n", "а", "a" * (SLUG_MAX_CHARS + 1)])
def test_what_is_no_slug_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_slug(text, place="site")
    assert caught.value.subject == "site"


def test_refusal_offers_the_nearest_slug() -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_slug("Клуб", place="site")
    assert "«klub»" in caught.value.sentence().uk
    with pytest.raises(InvalidArgument) as caught:
        check_slug("—", place="site")
    assert caught.value.hint is None


def test_new_uuids_differ_and_are_uuids() -> None:
    one, other = new_uuid(), new_uuid()
    assert one != other
    assert str(uuid.UUID(one)) == one
