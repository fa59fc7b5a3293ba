"""Habits that cost most when they slip in unseen: left-overs, swallowed errors, hidden state, hidden time, programs."""

import ast
import re
from collections.abc import Iterator

from beket.testing.source_tree import Module, dotted, functions

BROAD = frozenset({"Exception", "BaseException"})
SUPERVISOR = "beket.kernel.supervise"
MUTABLE_CALLS = frozenset({"list", "dict", "set", "bytearray", "deque", "defaultdict", "Counter", "OrderedDict"})
CHANGING = frozenset({"add", "append", "clear", "discard", "extend", "insert", "pop", "remove", "setdefault", "update"})
READS_TIME = re.compile(
    r"time\.(time|time_ns|monotonic|monotonic_ns|clock_gettime|clock_gettime_ns|sleep)"
    r"|(datetime\.)?(datetime\.(now|utcnow|today)|date\.today)|random\.(?!Random$|SystemRandom$)\w+"
)
OWN_TIME = ("beket.kernel.clock", "beket.app", "beket.sim", "beket.testing")
STARTS_PROGRAMS = re.compile(
    r"os\.(system|popen|fork|forkpty|posix_spawnp?|spawn\w+|exec\w+)|asyncio\.create_subprocess_\w+|asyncio\.subprocess\.\w+"
)
PROGRAM_GATES = (
    "backup.restic",
    "backup.repository.server",
    "backup.drills.scratch_postgres",
    "backup.sources.program",
    "agents.network.icmp",
    "beket.app",
    "beket.sim",
    "beket.testing",
)


def _inside(module: Module, places: tuple[str, ...]) -> bool:
    return any(module.name == place or module.name.startswith(f"{place}.") for place in places)


def _places(module: Module, nodes: Iterator[ast.AST]) -> list[str]:
    return [f"{module.place}:{getattr(node, 'lineno', 1)}" for node in nodes]


def test_nothing_is_left_for_later(every_module: list[Module]) -> None:
    words = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]) + r")\b")
    marks = [
        f"{m.place}:{n}" for m in every_module for n, line in enumerate(m.source.splitlines(), 1) if words.search(line)
    ]
    absent = "NotImplemented" + "Error"
    holes = [
        place
        for m in every_module
        for place in _places(m, (n for n in m.nodes if isinstance(n, ast.Name) and n.id == absent))
    ]
    assert not marks + holes


def test_no_test_is_skipped_or_expected_to_fail(every_module: list[Module]) -> None:
    escapes = re.compile(r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)|unittest\.skip\w*")
    found = []
    for module in every_module:
        attributes = (node for node in module.nodes if isinstance(node, ast.Attribute))
        found += _places(module, (node for node in attributes if escapes.fullmatch(dotted(node))))
    assert not found


def test_only_the_supervisor_catches_what_it_does_not_know(room_modules: list[Module]) -> None:
    """Elsewhere what must be undone whatever happens stands in an `ExitStack` or a `finally`."""
    found = []
    for module in room_modules:
        if module.name != SUPERVISOR:
            found += _places(module, (node for node in module.nodes if _is_broad(node)))
    assert not found


def test_modules_hold_no_state(room_modules: list[Module]) -> None:
    found = []
    for module in room_modules:
        mutable = {name for name, value in _module_names(module) if _is_mutable(value)}
        found += [f"{module.place} {name}" for name in mutable if not name.isupper()]
        for node in module.nodes:
            if isinstance(node, ast.Global) or _changes(node, mutable):
                found.append(f"{module.place}:{getattr(node, 'lineno', 1)}")
    assert not found


def test_time_and_chance_are_parameters(room_modules: list[Module]) -> None:
    found = []
    for module in room_modules:
        if _inside(module, OWN_TIME):
            continue
        for node in module.nodes:
            if isinstance(node, ast.Call) and READS_TIME.fullmatch(dotted(node.func)):
                found.append(f"{module.place}:{node.lineno} {dotted(node.func)}")
            if isinstance(node, ast.ImportFrom) and node.module in ("time", "random"):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                found += [f"{module.place}:{node.lineno} {name}" for name in names if READS_TIME.fullmatch(name)]
    assert not found


def test_programs_are_started_by_their_gates(room_modules: list[Module]) -> None:
    found = []
    for module in room_modules:
        if _inside(module, PROGRAM_GATES):
            continue
        attributes = (node for node in module.nodes if isinstance(node, ast.Attribute))
        found += _places(module, (node for node in attributes if STARTS_PROGRAMS.fullmatch(dotted(node))))
    assert not found


def test_assertions_judge_no_input(shipped: list[Module]) -> None:
    """`assert` vanishes under -O: it may narrow a type, never judge a value with words for people."""
    found = []
    for module in shipped:
        found += _places(module, (n for n in module.nodes if isinstance(n, ast.Assert) and n.msg is not None))
    assert not found


def test_parameters_have_no_mutable_defaults(room_modules: list[Module]) -> None:
    found = []
    for module in room_modules:
        for function in functions(module):
            defaults = [*function.args.defaults, *(d for d in function.args.kw_defaults if d is not None)]
            found += [f"{module.place}:{default.lineno}" for default in defaults if _is_mutable(default)]
    assert not found


def _is_broad(node: ast.AST) -> bool:
    if isinstance(node, ast.ExceptHandler):
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        return any(name is None or dotted(name) in BROAD for name in caught)
    if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == "suppress":
        return any(dotted(argument) in BROAD for argument in node.args)
    return False


def _module_names(module: Module) -> Iterator[tuple[str, ast.expr]]:
    for node in module.tree.body:
        if isinstance(node, ast.Assign):
            yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node.target.id, node.value


def _is_mutable(value: ast.expr) -> bool:
    literal = isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)
    return literal or (isinstance(value, ast.Call) and dotted(value.func).rpartition(".")[2] in MUTABLE_CALLS)


def _changes(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        return isinstance(node.value, ast.Name) and node.value.id in names
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
        return isinstance(node.func.value, ast.Name) and node.func.value.id in names
    return False
