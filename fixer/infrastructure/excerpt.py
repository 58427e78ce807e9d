"""Cuts text to what matters: a test with what it uses from its own file, and long output to its head and tail."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
LONGEST_LINE = 2_000
"""Characters. Longer lines are data; they are the only ones that are ever shortened."""


def excerpt_of_test(source: str, test_function: str, limit: int) -> str:
    """The test named by the second half of a node id, with the imports, fixtures, helpers and constants it uses.

    The head and tail of the file where there is no such test in it; `limit` is in characters.
    """
    path = test_function.partition("[")[0].split("::")
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return shorten(source, limit)
    found = _find(tree.body, path)
    if not found:
        return shorten(source, limit)
    lines = source.splitlines()
    used = _used_definitions(tree, found)
    parts = [_text(lines, node) for node in tree.body if node in used and node is not found[0]]
    parts.append(_nested(lines, found))
    return shorten("\n\n".join(parts), limit)


def fixtures_for(test: str, conftests: Sequence[str], limit: int) -> str:
    """The fixtures of these files that a test, or one of them, asks for by name; the nearest file comes first."""
    wanted, taken = set(re.findall(r"\w+", test)), dict[str, str]()
    for source in (*conftests, *conftests):  # one fixture may ask for another of an outer file
        for name, text in _fixtures(source):
            if name in wanted and name not in taken and sum(map(len, taken.values())) + len(text) <= limit:
                taken[name] = text
                wanted |= set(re.findall(r"\w+", text))
    return "\n\n".join(taken.values())


def shorten(text: str, limit: int) -> str:
    """At most about `limit` characters: whole lines from the head and the tail, and how many are missing between."""
    if len(text) <= limit:
        return text
    lines = [_bounded(line) for line in text.splitlines()]
    head = _fitting(lines, limit // 2)
    tail = _fitting(lines[head:][::-1], limit // 2)
    missing = len(lines) - head - tail
    if missing <= 0:
        return "\n".join(lines)
    return "\n".join([*lines[:head], f"[... {missing} lines left out ...]", *lines[len(lines) - tail :]])


def fenced(text: str, language: str = "") -> str:
    """The text as a Markdown code block that nothing in it can close."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.strip(chr(10))}\n{fence}"


def _fixtures(source: str) -> Iterator[tuple[str, str]]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    lines = source.splitlines()
    for node in tree.body:
        decorators = node.decorator_list if isinstance(node, _Definition) else []
        if isinstance(node, _Definition) and any("fixture" in ast.dump(decorator) for decorator in decorators):
            yield node.name, _text(lines, node)


def _find(body: list[ast.stmt], path: list[str]) -> list[_Definition]:
    """The definitions from the outermost class to the test; the class alone where the test is inherited."""
    named = (node for node in body if isinstance(node, _Definition) and node.name == path[0])
    found = next(named, None)
    if found is None:
        return []
    inner = _find(found.body, path[1:]) if len(path) > 1 else []
    return [found, *inner]


def _used_definitions(tree: ast.Module, found: list[_Definition]) -> set[ast.stmt]:
    """What the test needs of the module's top level, and what that needs in turn."""
    wanted: set[ast.stmt] = {node for node in tree.body if _is_autouse(node)}
    outers = [node for node in found[:-1] if isinstance(node, ast.ClassDef)]
    start: list[ast.AST] = [found[-1], *wanted]
    start += [part for outer in outers for part in (*outer.bases, *_kept_members(outer, found))]
    names = {name for node in start for name in _names(node)}
    while True:
        more = {node for node in tree.body if node not in wanted and names & set(_bound(node))}
        if not more:
            return wanted
        wanted |= more
        names |= {name for node in more for name in _names(node)}


def _names(node: ast.AST) -> Iterator[str]:
    for child in ast.walk(node):
        if isinstance(child, ast.Name):
            yield child.id
        elif isinstance(child, ast.Attribute) and ast.unparse(child.value) in ("self", "cls"):
            yield child.attr
        elif isinstance(child, ast.arg):  # a fixture is asked for by the name of a parameter
            yield child.arg
        elif isinstance(child, ast.Constant) and isinstance(child.value, str) and child.value.isidentifier():
            yield child.value  # usefixtures("name")


def _bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, _Definition):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))


def _is_autouse(node: ast.stmt) -> bool:
    decorators = node.decorator_list if isinstance(node, _Definition) else []
    return any("autouse" in ast.dump(decorator) for decorator in decorators)


def _kept_members(outer: _Definition, found: list[_Definition]) -> list[ast.stmt]:
    """Of a class: the way to the test, its attributes and set-up, and the methods that the test names."""
    asked = set(_names(found[-1]))
    return [member for member in outer.body if member in found or _is_setting(member) or asked & set(_bound(member))]


def _is_setting(member: ast.stmt) -> bool:
    if not isinstance(member, _Definition):
        return True
    return member.name.lower().startswith("setup") or _is_autouse(member)


def _nested(lines: list[str], found: list[_Definition]) -> str:
    outer = found[0]
    if len(found) == 1:
        return _text(lines, outer)
    header = "\n".join(lines[_first_line(outer) - 1 : _first_line(outer.body[0]) - 1])
    members = [
        _nested(lines, found[1:]) if member is found[1] else _text(lines, member)
        for member in _kept_members(outer, found)
    ]
    return "\n\n".join([header, *members])


def _text(lines: list[str], node: ast.stmt) -> str:
    return "\n".join(lines[_first_line(node) - 1 : node.end_lineno])


def _first_line(node: ast.stmt) -> int:
    decorators = node.decorator_list if isinstance(node, _Definition) else []
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _fitting(lines: list[str], limit: int) -> int:
    size = 0
    for number, line in enumerate(lines):
        size += len(line) + 1
        if size > limit:
            return number
    return len(lines)


def _bounded(line: str) -> str:
    if len(line) <= LONGEST_LINE:
        return line
    half = LONGEST_LINE // 2
    return f"{line[:half]} [... {len(line) - 2 * half} characters left out ...] {line[-half:]}"
