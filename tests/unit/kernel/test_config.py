import contextlib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from beket.kernel.config import CONFIG_MAX_BYTES, ConfigMistakes, example, load
from beket.kernel.errors import InvalidConfig, Kind
from beket.kernel.text import say


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Lamp(msgspec.Struct, frozen=True):
    """One lamp."""

    name: str
    watts: Annotated[int, Meta(ge=1, le=100, description="Power, W.")] = 5


class Window(msgspec.Struct, frozen=True):
    """From and until, hours."""

    from_h: Annotated[int, Meta(ge=0, le=23)] = 8
    until_h: Annotated[int, Meta(ge=0, le=23)] = 17

    def __post_init__(self) -> None:
        if self.from_h >= self.until_h:
            raise InvalidConfig(say("початок не раніше кінця.", "it starts after its end."), hint=say("Так.", "So."))


class Frame(msgspec.Struct, frozen=True):
    """A frame with a window in it."""

    window: Window = Window()
    colour: Annotated[Colour, Meta(description="Of the paint.")] = Colour.RED


class House(msgspec.Struct, frozen=True):
    """The whole file."""

    name: Annotated[str, Meta(min_length=2, max_length=20, description="As people call it.")] = 'Хата "1"\\\n\x7f'
    floor_m2: Annotated[float, Meta(gt=0, description="Area.")] = 40.5
    is_warm: bool = True
    style: Literal["old", "new"] = "old"
    folder: Annotated[Path, Meta(description="Where papers lie.")] = Path("/var/lib/house")
    key_file: Annotated[Path | None, Meta(description="Absent: no lock.")] = None
    slug: Annotated[str, Meta(pattern=r"^[a-z]+$")] = "house"
    doors: Annotated[tuple[str, ...], Meta(min_length=1, max_length=3, description="At least one.")] = ("front",)
    rooms_m2: tuple[Annotated[int, Meta(ge=1)], ...] = (10, 12)
    keys: dict[str, int] = msgspec.field(default_factory=lambda: {"front door": 2})
    frame: Frame = Frame()
    garden: Window | None = None
    lamps: tuple[Lamp, ...] = ()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "house.toml"


def mistakes_in(path: Path, toml: str | bytes) -> list[tuple[str, str]]:
    path.write_bytes(toml.encode() if isinstance(toml, str) else toml)
    with pytest.raises(ConfigMistakes) as caught:
        load(path, House)
    return [(mistake.place, mistake.sentence().uk) for mistake in caught.value.mistakes]


def test_empty_file_means_the_defaults(path: Path) -> None:
    path.write_text("")
    assert load(path, House) == House()


def test_example_means_the_same_as_no_file(path: Path) -> None:
    path.write_text(example(House))
    assert load(path, House) == House()


@given(st.text(min_size=2, max_size=20), st.floats(min_value=0.001, allow_nan=False), st.booleans())
def test_example_of_any_values_parses_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, m2: float, warm: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    kind = msgspec.defstruct("Any", [("name", str, name), ("m2", float, m2), ("warm", bool, warm)], frozen=True)
    path.write_text(example(kind), newline="")
    assert load(path, kind) == kind()


def test_example_explains_each_key_and_comments_out_what_is_absent() -> None:
    lines = example(House).splitlines()
    assert lines[lines.index("# Area.") + 1] == "floor_m2 = 40.5"
    assert lines[lines.index("# Absent: no lock.") + 1] == "# key_file ="
    assert lines[lines.index("# A frame with a window in it.") + 1] == "[frame]"
    assert "[frame.window]" in lines
    assert "# [garden]" in lines
    lamp = lines.index("# [[lamps]]")
    assert lines[lamp - 1 : lamp + 3] == ["# One lamp.", "# [[lamps]]", "# name = …", "# watts = 5  # Power, W."]


def test_example_shows_the_given_value_where_there_is_no_default(path: Path) -> None:
    path.write_text(example(Lamp, {"name": "стеля"}))
    assert load(path, Lamp) == Lamp("стеля")


def test_values_of_every_kind_are_read(path: Path) -> None:
    path.write_text(
        """
        name = "Хата"
        floor_m2 = 38
        style = "new"
        folder = "/srv"
        key_file = "/etc/key"
        doors = ["front", "back"]
        rooms_m2 = []
        keys = { cellar = 1 }
        garden = { from_h = 9 }
        lamps = [{ name = "ліхтар" }]
        [frame]
        colour = "green"
        [frame.window]
        until_h = 20
        """
    )
    assert load(path, House) == House(
        name="Хата",
        floor_m2=38.0,
        style="new",
        folder=Path("/srv"),
        key_file=Path("/etc/key"),
        doors=("front", "back"),
        rooms_m2=(),
        keys={"cellar": 1},
        frame=Frame(Window(8, 20), Colour.GREEN),
        garden=Window(9, 17),
        lamps=(Lamp("ліхтар"),),
    )


@pytest.mark.parametrize(
    ("toml", "place", "sentence"),
    [
        ("nane = 'x'", "nane", "такого ключа немає. Можливо, «name»?"),
        ("[frame.window]\nzzz = 1", "frame.window.zzz", "такого ключа немає. Можливі: from_h, until_h."),
        ("[[lamps]]\nwatts = 5", "lamps[0].name", "цього ключа бракує."),
        (
            "[[lamps]]\nname = 'a'\nwatts = 0",
            "lamps[0].watts",
            "значення 0 не підходить: потрібне ціле число від 1 до 100.",
        ),
        ("floor_m2 = 'x'", "floor_m2", "значення «x» не підходить: потрібне число понад 0."),
        ("floor_m2 = nan", "floor_m2", "значення nan не підходить: потрібне число понад 0."),
        ("is_warm = 1", "is_warm", "значення 1 не підходить: потрібне true або false."),
        ("is_warm = 'true'", "is_warm", "значення «true» не підходить: потрібне true або false."),
        ("style = 'od'", "style", "значення «od» не підходить: одне з new, old. Можливо, «old»?"),
        (
            "frame.colour='gren'",
            "frame.colour",
            "значення «gren» не підходить: одне з red, green. Можливо, «green»?",
        ),
        ("folder = 7", "folder", "значення 7 не підходить: потрібен текст у лапках."),
        ("slug = 'A'", "slug", "значення «A» не підходить: потрібен текст вигляду ^[a-z]+$."),
        ("name = 'x'", "name", "значення «x» не підходить: потрібен текст у лапках, знаків: від 2 до 20."),
        ("doors = []", "doors", "тут потрібно значень: від 1 до 3."),
        ("doors = 'front'", "doors", "значення «front» не підходить: потрібен список."),
        ("rooms_m2 = [1, 0]", "rooms_m2[1]", "значення 0 не підходить: потрібне ціле число від 1."),
        (
            "keys.a='x'",
            "keys",
            "значення {'a': 'x'} не підходить: потрібен розділ із такими значеннями, як в описі.",
        ),
        ("frame = 3", "frame", "тут має бути розділ [frame]."),
        ("garden = true", "garden", "тут має бути розділ [garden]."),
        ("[garden]\nfrom = 3", "garden.from", "такого ключа немає. Можливо, «from_h»?"),
        ("[garden]\nfrom_h = 18", "garden", "початок не раніше кінця. Так."),
        ("lamps = [4]", "lamps[0]", "тут має бути розділ [lamps[0]]."),
        (
            "name = 2024-01-01",
            "name",
            "значення 2024-01-01 не підходить: потрібен текст у лапках, знаків: від 2 до 20.",
        ),
    ],
)
def test_mistake_is_one_sentence_with_its_place(path: Path, toml: str, place: str, sentence: str) -> None:
    assert mistakes_in(path, toml) == [(place, f"{place}: {sentence}")]


def test_all_mistakes_are_told_at_once(path: Path) -> None:
    found = mistakes_in(path, "nane = 1\nis_warm = 2\n[frame.window]\nfrom_h = 77\n[[lamps]]\n[[lamps]]\nname = 3")
    assert [place for place, _ in found] == ["nane", "is_warm", "frame.window.from_h", "lamps[0].name", "lamps[1].name"]


def test_sentence_of_the_error_has_the_file_and_one_line_a_mistake(path: Path) -> None:
    path.write_text("nane = 1\nis_warm = 2\n")
    with pytest.raises(ConfigMistakes) as caught:
        load(path, House)
    assert caught.value.kind is Kind.INVALID_CONFIG
    assert caught.value.sentence().en.splitlines() == [
        f"{path}: nane: there is no such key. Did you mean “name”?",
        "is_warm: the value 2 will not do: true or false is needed.",
    ]


def test_long_value_is_shown_short(path: Path) -> None:
    ((_, sentence),) = mistakes_in(path, f"is_warm = '{'я' * 500}'")
    assert len(sentence) < 140


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"name = 'a'\nfloor_m2 = = 3", "line 2"),
        (b"name = '\xff'", "utf-8"),
        (b"a = " + b"[" * 100_000, "TOML"),
        (b"#" * (CONFIG_MAX_BYTES + 1), "1 МіБ"),
        (b"name = 'a'\nname = 'b'", "TOML"),
    ],
)
def test_what_is_not_toml_is_refused_with_its_place(path: Path, raw: bytes, words: str) -> None:
    ((place, sentence),) = mistakes_in(path, raw)
    assert place == "house.toml"
    assert words in sentence


def test_absent_file_says_how_to_make_one(path: Path) -> None:
    with pytest.raises(ConfigMistakes) as caught:
        load(path, House)
    assert f"beket config example > {path}" in caught.value.sentence().uk


def test_folder_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigMistakes) as caught:
        load(tmp_path, House)
    assert "не читається" in caught.value.sentence().uk


@given(st.binary(max_size=200) | st.text(alphabet="ahm=[]{}\"'\n.0129_#, ", max_size=80).map(str.encode))
def test_any_bytes_are_a_configuration_or_mistakes(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.toml"
    path.write_bytes(raw)
    with contextlib.suppress(ConfigMistakes):
        assert isinstance(load(path, House), House)
