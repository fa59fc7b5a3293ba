"""Owns what simulated streets look like: the views that cameras have, and the cars and people on them; drawn once.

Views are data. The ground plan is the same in all: pavement, road with two lanes, verge; so traffic fits every view.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from beket.sim.canvas import Canvas, Planes, Point, Rgb, Sprite

WIDTH, HEIGHT = 640, 360
HORIZON_Y = 178
PAVEMENT_Y = 244
ROAD_Y = 262
ROAD_END_Y = 334

WHITEWASH: Rgb = (244, 240, 228)
BLUE: Rgb = (92, 142, 196)
OCHRE: Rgb = (226, 190, 120)
BRICK: Rgb = (178, 108, 84)
TILE: Rgb = (164, 74, 56)
SLATE: Rgb = (112, 116, 122)
GREEN_ROOF: Rgb = (84, 124, 96)
GLASS: Rgb = (126, 164, 190)
LIT_GLASS: Rgb = (255, 214, 128)
FRAME: Rgb = (250, 250, 246)

CAR_PAINTS: tuple[Rgb, ...] = (
    (196, 48, 44),
    (52, 104, 176),
    (236, 236, 232),
    (60, 66, 72),
    (222, 176, 60),
    (70, 128, 92),
)
COATS: tuple[Rgb, ...] = ((188, 60, 70), (62, 92, 150), (232, 196, 84), (96, 130, 84), (122, 82, 130))
STRIDES = 4


@dataclass(frozen=True, slots=True)
class Building:
    """A building whose wall begins at `x` and stands on the back edge of the pavement.

    Attributes:
        columns: windows in a row; the door takes the place of the middle one on the ground floor.
    """

    x: int
    width: int
    wall_height: int
    wall: Rgb = WHITEWASH
    roof: Rgb = TILE
    floors: int = 1
    columns: int = 3
    roof_height: int = 34
    flag: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """What one camera looks at.

    Attributes:
        trees: (x, radius of the crown).
        lamps: x of the street lamps, which shine at night.
    """

    buildings: tuple[Building, ...]
    trees: tuple[tuple[int, int], ...] = ()
    lamps: tuple[int, ...] = (120, 470)
    fence: bool = True
    clouds: tuple[Point, ...] = field(default=((150, 52), (420, 74), (560, 44)))


COUNCIL_STREET = View(
    buildings=(
        Building(196, 236, 104, wall=OCHRE, roof=SLATE, floors=2, columns=7, roof_height=26, flag=True),
        Building(18, 96, 50, wall=WHITEWASH, roof=TILE),
        Building(522, 98, 48, wall=BLUE, roof=GREEN_ROOF),
    ),
    trees=((146, 26), (470, 30), (628, 22)),
)
COUNCIL_YARD = View(
    buildings=(
        Building(60, 150, 62, wall=BRICK, roof=SLATE, columns=4),
        Building(400, 190, 96, wall=OCHRE, roof=SLATE, floors=2, columns=5, roof_height=24),
    ),
    trees=((250, 34), (320, 26), (362, 20), (24, 28)),
    lamps=(300, 600),
    fence=False,
)
VILLAGE_STREET = View(
    buildings=(
        Building(40, 110, 50, wall=WHITEWASH, roof=TILE),
        Building(228, 104, 46, wall=BLUE, roof=SLATE),
        Building(420, 124, 54, wall=OCHRE, roof=GREEN_ROOF),
    ),
    trees=((186, 30), (372, 24), (590, 34)),
    lamps=(30, 350),
)
SCHOOL_YARD = View(
    buildings=(Building(120, 400, 104, wall=WHITEWASH, roof=TILE, floors=2, columns=11, roof_height=24, flag=True),),
    trees=((58, 32), (578, 30)),
    lamps=(90, 550),
)


def draw_street(view: View, *, night: bool) -> Planes:
    """The empty street of `view`, `WIDTH` × `HEIGHT`."""
    canvas = Canvas(WIDTH, HEIGHT)
    _draw_land(canvas, view)
    for building in view.buildings:
        _draw_building(canvas, building)
    for x, radius in view.trees:
        _draw_tree(canvas, x, radius)
    _draw_ground(canvas)
    for x in view.lamps:
        canvas.rectangle(x - 1.5, 128, 3, PAVEMENT_Y + 8 - 128, (90, 94, 98))
        canvas.rectangle(x - 1.5, 126, 20, 3, (90, 94, 98))
    if night:
        canvas.nightfall([(x + 16, 215) for x in view.lamps])
        for x in view.lamps:
            canvas.ellipse(x + 16, 131, 6, 3.5, (255, 236, 190))
        _light_windows(canvas, view)
    return canvas.planes()


def draw_car(paint: Rgb, *, length: int, night: bool) -> Sprite:
    """A car `length` pixels long, heading right."""
    unit = length / 100
    canvas = Canvas(length, _even(unit * 42))
    dark: Rgb = (28, 30, 34)
    body = [(p[0] * unit, p[1] * unit) for p in ((1, 20), (18, 16), (92, 18), (99, 24), (99, 35), (1, 35))]
    cabin = [(p[0] * unit, p[1] * unit) for p in ((14, 18), (28, 3), (64, 3), (80, 18))]
    canvas.polygon(cabin, _shade(paint, 0.85))
    glass: Rgb = (196, 218, 230)
    canvas.polygon([(p[0] * unit, p[1] * unit) for p in ((19, 17), (30, 6), (45, 6), (45, 17))], glass)
    canvas.polygon([(p[0] * unit, p[1] * unit) for p in ((48, 17), (48, 6), (62, 6), (73, 17))], glass)
    canvas.polygon(body, paint)
    canvas.rectangle(2 * unit, 30 * unit, 96 * unit, 4 * unit, _shade(paint, 0.7))
    for x in (22, 78):
        canvas.ellipse(x * unit, 34 * unit, 8.5 * unit, 8 * unit, dark)
        canvas.ellipse(x * unit, 34 * unit, 4 * unit, 4 * unit, (168, 172, 176))
    if night:
        canvas.nightfall([], reach=1)
    canvas.ellipse(96 * unit, 24 * unit, 3 * unit, 3 * unit, (255, 250, 220))
    canvas.ellipse(3 * unit, 24 * unit, 2.5 * unit, 3 * unit, (220, 40, 40))
    return canvas.sprite()


def draw_person(coat: Rgb, *, stride: int, night: bool) -> Sprite:
    """A person walking to the right, at one of `STRIDES` steps of the gait."""
    canvas = Canvas(24, 50)
    swing = (-6, 0, 6, 0)[stride]
    skin: Rgb = (226, 184, 154)
    trousers: Rgb = (58, 62, 84)
    canvas.polygon([(10, 29), (14, 29), (14 - swing, 50), (10 - swing, 50)], _shade(trousers, 0.8))
    canvas.polygon([(10, 29), (14, 29), (14 + swing, 50), (10 + swing, 50)], trousers)
    canvas.polygon([(8, 13), (16, 13), (17, 33), (7, 33)], coat)
    canvas.polygon([(10.5, 15), (13.5, 15), (13.5 - swing * 0.7, 30), (10.5 - swing * 0.7, 30)], _shade(coat, 0.75))
    canvas.ellipse(12.5, 7, 4.5, 5.5, skin)
    canvas.ellipse(11.5, 5, 4.8, 4, (74, 54, 40))
    if night:
        canvas.nightfall([(12, 20)], reach=60)
    return canvas.sprite()


def _draw_land(canvas: Canvas, view: View) -> None:
    canvas.fade(0, HORIZON_Y, (112, 170, 226), (214, 232, 244))
    for x, y in view.clouds:
        for dx, dy, radius in ((-22, 4, 17), (0, 0, 24), (24, 5, 16)):
            canvas.ellipse(x + dx, y + dy, radius * 1.4, radius * 0.62, (248, 250, 252))
    canvas.ellipse(120, HORIZON_Y + 30, 300, 58, (128, 164, 148))
    canvas.ellipse(520, HORIZON_Y + 36, 280, 56, (110, 152, 130))
    canvas.fade(HORIZON_Y, 40, (232, 202, 104), (214, 178, 84))
    canvas.fade(HORIZON_Y + 26, PAVEMENT_Y - HORIZON_Y - 26, (126, 164, 92), (106, 148, 78))
    canvas.grain(HORIZON_Y + 26, PAVEMENT_Y - HORIZON_Y - 26, 5, np.random.default_rng(2))
    if view.fence:
        for x in range(0, WIDTH, 8):
            canvas.polygon(
                [(x, 222), (x + 2.5, 217), (x + 5, 222), (x + 5, PAVEMENT_Y), (x, PAVEMENT_Y)], (222, 226, 222)
            )
        canvas.rectangle(0, 228, WIDTH, 3, (206, 212, 208))


def _draw_ground(canvas: Canvas) -> None:
    canvas.fade(PAVEMENT_Y, ROAD_Y - PAVEMENT_Y, (190, 186, 178), (176, 172, 166))
    canvas.rectangle(0, ROAD_Y - 4, WIDTH, 4, (208, 206, 200))
    canvas.fade(ROAD_Y, ROAD_END_Y - ROAD_Y, (98, 100, 104), (86, 88, 92))
    canvas.grain(ROAD_Y, ROAD_END_Y - ROAD_Y, 4, np.random.default_rng(1))
    for x in range(-20, WIDTH, 80):
        canvas.polygon([(x + 3, 296), (x + 43, 296), (x + 40, 300), (x, 300)], (236, 234, 224))
    canvas.fade(ROAD_END_Y, HEIGHT - ROAD_END_Y, (118, 152, 84), (96, 134, 68))
    canvas.grain(ROAD_END_Y, HEIGHT - ROAD_END_Y, 6, np.random.default_rng(3))


def _draw_building(canvas: Canvas, b: Building) -> None:
    top = PAVEMENT_Y - b.wall_height
    canvas.rectangle(b.x + b.width * 0.72, top - b.roof_height, 9, b.roof_height, _shade(BRICK, 0.85))
    eaves = 7
    ridge = b.width * (0.18 if b.floors == 1 else 0.05)
    canvas.polygon(
        [
            (b.x - eaves, top),
            (b.x - eaves + ridge, top - b.roof_height),
            (b.x + b.width + eaves - ridge, top - b.roof_height),
            (b.x + b.width + eaves, top),
        ],
        b.roof,
    )
    canvas.rectangle(b.x, top, b.width, b.wall_height, b.wall)
    canvas.rectangle(b.x, top, b.width, 4, _shade(b.wall, 0.8))
    canvas.rectangle(b.x, PAVEMENT_Y - 9, b.width, 9, _shade(b.wall, 0.7))
    for x, y, width, height in _windows(b):
        canvas.rectangle(x - 2, y - 2, width + 4, height + 4, FRAME)
        canvas.rectangle(x, y, width, height, GLASS)
        canvas.rectangle(x + width / 2 - 0.5, y, 1, height, FRAME)
    _draw_door(canvas, b)
    if b.flag:
        _draw_flag(canvas, b.x + b.width / 2, top - b.roof_height)


def _draw_door(canvas: Canvas, b: Building) -> None:
    middle = b.x + b.width / 2
    if b.floors > 1:
        canvas.rectangle(middle - 20, PAVEMENT_Y - 42, 40, 4, _shade(b.roof, 0.9))
    canvas.rectangle(middle - 8, PAVEMENT_Y - 34, 16, 34, (118, 78, 54))
    canvas.rectangle(middle - 5, PAVEMENT_Y - 30, 10, 12, _shade(GLASS, 0.9))


def _draw_flag(canvas: Canvas, x: float, y: float) -> None:
    canvas.rectangle(x, y - 30, 2, 30, (120, 122, 128))
    canvas.rectangle(x + 2, y - 30, 26, 9, (0, 91, 187))
    canvas.rectangle(x + 2, y - 21, 26, 9, (255, 213, 0))


def _draw_tree(canvas: Canvas, x: int, radius: int) -> None:
    foot = PAVEMENT_Y - 2
    canvas.rectangle(x - 3, foot - radius * 2, 6, radius * 2, (112, 84, 60))
    for dx, dy, share, colour in (
        (0, -2.3, 1.0, (88, 136, 74)),
        (-0.5, -1.8, 0.75, (78, 126, 66)),
        (0.5, -1.9, 0.75, (100, 150, 84)),
        (0.1, -2.7, 0.6, (114, 162, 94)),
    ):
        canvas.ellipse(x + dx * radius, foot + dy * radius, radius * share, radius * share * 0.9, colour)


def _light_windows(canvas: Canvas, view: View) -> None:
    for building in view.buildings:
        for i, (x, y, width, height) in enumerate(_windows(building)):
            if (i * 7 + building.x) % 3 == 0:
                canvas.rectangle(x, y, width, height, LIT_GLASS)
                canvas.rectangle(x + width / 2 - 0.5, y, 1, height, _shade(LIT_GLASS, 0.6))


def _windows(b: Building) -> Sequence[tuple[float, float, float, float]]:
    """Boxes (x, y, width, height), floor by floor from the top; none where the door is."""
    pitch = b.width / b.columns
    floor_height = (b.wall_height - 12) / b.floors
    found = []
    for floor in range(b.floors):
        for column in range(b.columns):
            if floor == b.floors - 1 and column == b.columns // 2 and b.columns % 2:
                continue
            y = PAVEMENT_Y - b.wall_height + 12 + floor * floor_height
            found.append((b.x + pitch * (column + 0.5) - 7, y, 14.0, min(22.0, floor_height - 14)))
    return found


def _shade(colour: Rgb, share: float) -> Rgb:
    red, green, blue = (round(part * share) for part in colour)
    return red, green, blue


def _even(length_px: float) -> int:
    return round(length_px / 2) * 2
