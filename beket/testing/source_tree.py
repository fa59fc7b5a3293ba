"""Owns how the architecture tests see the project: its files and the syntax tree of each module, read once."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
ROOMS = ("beket", "collector", "vms", "backup", "agents", "dashboards")
_TEXT = frozenset(
    {".cfg", ".css", ".csv", ".html", ".js", ".json", ".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml"}
)


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file of the project.

    Attributes:
        name: as it is imported: `beket.kernel.clock`; a test is `tests.unit.kernel.test_clock`.
        place: path under the project's folder, for messages.
        nodes: every node of `tree`.
    """

    name: str
    path: Path
    place: str
    source: str
    tree: ast.Module
    nodes: tuple[ast.AST, ...]

    @property
    def ships(self) -> bool:
        """Whether users run it: everything but the tests and their kit."""
        return not self.name.startswith(("tests.", "beket.testing"))

    def strings(self) -> Iterator[ast.Constant]:
        """Its string literals; docstrings are not among them."""
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        bodies = (node.body for node in self.nodes if isinstance(node, documented))
        docstrings = {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}
        for node in self.nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                yield node


def modules(*folders: str) -> list[Module]:
    """Every Python file under `folders` of the project, parsed."""
    return [_read(path) for folder in folders for path in sorted((PROJECT / folder).rglob("*.py"))]


def text_files() -> list[Path]:
    """Every text file that people wrote: no hidden folders, no build results."""
    found = []
    for path in sorted(PROJECT.rglob("*")):
        parts = path.relative_to(PROJECT).parts
        hidden = any(part.startswith(".") or part in ("build", "__pycache__", "demo-data") for part in parts)
        if not hidden and path.is_file() and (path.suffix in _TEXT or path.name == "Makefile"):
            found.append(path)
    return found


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of `module`, nested ones too."""
    return (node for node in module.nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    """The parameters that a caller gives, without `self` and `cls`."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [argument for argument in named if argument.arg not in ("self", "cls")]


def dotted(node: ast.expr) -> str:
    """`a.b.c` of an attribute chain, "" when it starts from something else than a name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""


def _read(path: Path) -> Module:
    place = path.relative_to(PROJECT)
    name = ".".join(place.with_suffix("").parts).removesuffix(".__init__")
    source = path.read_text()
    tree = ast.parse(source)
    return Module(name, path, str(place), source, tree, tuple(ast.walk(tree)))
