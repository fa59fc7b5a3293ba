"""No secret is written into what ships, and what holds one says so by its type."""

import ast
import re

from beket.testing.source_tree import PROJECT, Module, functions, parameters, text_files

LOGIN_IN_URL = re.compile(r"[a-z]+://[^\s/@:{}<>]*:[^\s/@{}<>•…*]+@[a-z0-9\[{]", re.IGNORECASE)
SECRET_NAME = re.compile(r"(?:.*_)?(?:password|passwd|passphrase)")
SECRET_VALUE = re.compile(r"(?:.*_)?(?:password|passwd|passphrase|secret|api_key|private_key)", re.IGNORECASE)
# Built from pieces, so that this file does not name them either.
WORKPLACE = re.compile("|".join(["/" + "work/", "/" + "home/", "/" + "Users/", "/" + "root/", "/" + "tmp/" + "brief"]))


def test_no_password_is_written_into_the_code(shipped: list[Module]) -> None:
    found = []
    for module in shipped:
        if module.name.startswith("beket.sim"):
            continue  # a simulated camera's password opens nothing
        for node in module.nodes:
            named: list[tuple[str, ast.expr | None]] = []
            if isinstance(node, ast.Assign):
                named = [(target.id, node.value) for target in node.targets if isinstance(target, ast.Name)]
            elif isinstance(node, ast.keyword) and node.arg:
                named = [(node.arg, node.value)]
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                named = [(node.target.id, node.value)]
            for name, value in named:
                literal = isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value
                if literal and SECRET_VALUE.fullmatch(name):
                    found.append(f"{module.place}:{getattr(node, 'lineno', 1)} {name}")
    assert not found


def test_no_address_carries_a_login(shipped: list[Module]) -> None:
    found = []
    for module in shipped:
        found += [f"{module.place}:{text.lineno}" for text in module.strings() if LOGIN_IN_URL.search(str(text.value))]
    assert not found


def test_what_is_called_a_password_is_a_secret_by_type(shipped: list[Module]) -> None:
    """A message has to carry text; then it has a `__repr__` of its own, which leaves the password out."""
    found = []
    for module in shipped:
        fields: list[tuple[str, ast.expr | None, int]] = []
        for node in module.nodes:
            if isinstance(node, ast.ClassDef) and "__repr__" not in {getattr(item, "name", "") for item in node.body}:
                items = [item for item in node.body if isinstance(item, ast.AnnAssign)]
                fields += [(i.target.id, i.annotation, i.lineno) for i in items if isinstance(i.target, ast.Name)]
        for function in functions(module):
            fields += [(argument.arg, argument.annotation, function.lineno) for argument in parameters(function)]
        for name, annotation, line in fields:
            if SECRET_NAME.fullmatch(name) and "Secret" not in ast.unparse(annotation or ast.Constant(value="")):
                found.append(f"{module.place}:{line} {name}")
    assert not found


def test_nothing_names_the_machine_it_was_written_on() -> None:
    found = []
    for path in text_files():
        lines = enumerate(path.read_text().splitlines(), 1)
        found += [f"{path.relative_to(PROJECT)}:{n}" for n, line in lines if WORKPLACE.search(line)]
    assert not found
