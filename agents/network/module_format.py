"""Owns how a module file is written: what a device family is known by, and which objects make which metrics.

Data only; `module_files` reads and checks it, `measuring` computes by it. Note: agents/design/0034-modules-as-data.md.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Object = Annotated[str, Meta(pattern="^[A-Za-z0-9-]+::[A-Za-z][A-Za-z0-9-]*$", description="MIB::object")]
Unit = Literal[
    "bytes",
    "seconds",
    "bps",
    "ratio",
    "errors",
    "discards",
    "count",
    "pages",
    "celsius",
    "volts",
    "amperes",
    "watts",
    "rpm",
    "dbm",
]


class Power(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Multiplies by 10 to the power of `times × (value of oid) + plus`: ENTITY-SENSOR's scale and precision."""

    oid: str
    times: int = 1
    plus: int = 0


class Where(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Takes only rows whose cell in `oid` is one of `equals`: numbers, or OIDs in dots."""

    oid: str
    equals: Annotated[tuple[int | str, ...], Meta(min_length=1)]


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One object and the metric that it gives.

    What is done to a raw value, in this order: `absent` and `where` leave it out; `text` finds a number in it, `bit`
    takes one bit of it (0 is the first of the first octet), `unsigned` undoes a 32-bit overflow; `equals` and `values`
    turn a state into a number; `plus`, `times`, `per` and `powers` bring in other objects of the same row; `scale`
    multiplies; a result outside `least` to `most` is no sample. `combine` makes one sample of all rows. `part` is the
    label of a scalar whose metric has one.
    """

    object: Object
    oid: str
    metric: str
    unit: Unit
    scale: float = 1.0
    absent: tuple[int, ...] = ()
    where: tuple[Where, ...] = ()
    text: str = ""
    bit: Annotated[int, Meta(ge=0, le=1023)] | None = None
    unsigned: bool = False
    equals: int | tuple[int, ...] | None = None
    values: dict[str, float] = {}
    plus: str = ""
    times: str = ""
    per: str = ""
    powers: tuple[Power, ...] = ()
    least: float | None = None
    most: float | None = None
    combine: Literal["", "sum", "mean", "max", "count"] = ""
    part: Annotated[str, Meta(max_length=40)] = ""


class Fact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One object of text that is remembered of a device and never becomes a label."""

    object: Object
    oid: str
    fact: Literal["description", "model-oid", "name", "contact", "location", "model", "firmware", "serial"]


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One column that tells rows apart or names them for people; of a name `text` keeps one group."""

    object: Object
    oid: str
    role: Literal["name", "spare-name", "alias"]
    text: str = ""


class TableFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table: `label` is the label that its rows carry, `prefix` stands before each row's name."""

    label: Literal["port", "part"]
    columns: Annotated[tuple[Measure, ...], Meta(min_length=1)]
    prefix: Annotated[str, Meta(max_length=20)] = ""
    identity: tuple[Identity, ...] = ()
    fallbacks: tuple[Measure, ...] = ()


class Detect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a device of this module is known; any one of these is enough.

    Attributes:
        model_oids: sysObjectID begins with one of them.
        probes: the device has one of these scalars.
        columns: the device has a row in one of these columns.
        always: every device is asked.
        instead_of: names of modules that say the same and are left out then.
    """

    model_oids: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    always: bool = False
    instead_of: tuple[str, ...] = ()


class ModuleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file as it is written; `source` says which documents its objects are from."""

    title: str
    source: str
    detect: Detect
    scalars: tuple[Measure, ...] = ()
    facts: tuple[Fact, ...] = ()
    tables: tuple[TableFile, ...] = ()
