"""Wrong names: of variables, attributes, functions; names that nobody defined."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from fixer.offline.place import Place, likeness
from fixer.offline.source import Edit
from fixer.offline.templates.base import PYTER, SSTUBS, TBAR, Example
from fixer.offline.templates.library import imports_for


class Variable:
    """Another variable in sight."""

    name = "variable"
    source = SSTUBS
    prior = 1.0
    examples = (
        Example("def f(start, end):\n    return start", "def f(start, end):\n    return end"),
        Example("def f(a):\n    total = 0\n    a += 1", "def f(a):\n    total = 0\n    total += 1"),
        Example("def f(key):\n    return keys\nkeys = 1", "def f(key):\n    return key\nkeys = 1"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Swap each name, read or assigned, for the other names of the function."""
        for node in place.nodes(ast.Name):
            names = place.scope.callables if place.is_called(node) else place.scope.locals
            written = -1.5 if isinstance(node.ctx, ast.Store) else 0.0
            for name in names:
                if name != node.id:
                    yield place.replace(node, name, place.near(node.id, name) + written)


class Ingredient:
    """An expression that the function uses elsewhere."""

    name = "expression of the same function"
    source = "CapGen (Wen et al. 2018); TBar (Liu et al. 2019)"
    prior = 0.3
    examples = (
        Example("def f(a, i):\n    x = a[i]\n    return i", "def f(a, i):\n    x = a[i]\n    return a[i]"),
        Example("def f(a):\n    x = len(a)\n    return a[0]", "def f(a):\n    x = len(a)\n    return len(a)"),
        Example("def f(a, b, i):\n    a[i] = b[i] + 1", "def f(a, b, i):\n    b[i] = b[i] + 1"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Swap what is read for another small expression of the function."""
        for node in place.loads(ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.Constant):
            old = place.text(node)
            if place.is_called(node) or isinstance(place.parent(node), ast.Attribute) or len(old) > _LONGEST:
                continue
            for text in place.scope.expressions:
                if text != old and not (text.isidentifier() and isinstance(node, ast.Name)):
                    yield place.replace(node, text, likeness(old, text))
        for target in place.nodes(ast.Subscript):
            if isinstance(target.ctx, ast.Store):
                for text in place.scope.expressions:
                    if text.endswith("]") and text != place.text(target):
                        yield place.replace(target, text, likeness(place.text(target), text) - 0.5)


class Element:
    """A value where one of the values that a list or a table holds belongs."""

    name = "element"
    source = TBAR
    prior = 0.4
    examples = (
        Example(
            "def f(a, n):\n    for i in range(3):\n        x = a[-i]\n        if n != x:\n            pass",
            "def f(a, n):\n    for i in range(3):\n        x = a[-i]\n        if a[i] != x:\n            pass",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Index what the function indexes elsewhere with a name that it uses in an index."""
        walked = [node for node in place.scope.nodes if isinstance(node, ast.Subscript)]
        owners = dict.fromkeys(node.value.id for node in walked if isinstance(node.value, ast.Name))
        indices = dict.fromkeys(name for node in walked for name in _names(node.slice) if name not in owners)
        texts = [f"{owner}[{index}]" for owner in owners for index in indices]
        for node in place.loads(ast.Name):
            within = isinstance(place.parent(node), ast.Subscript | ast.Attribute) or place.is_called(node)
            if not within and node.id not in indices:
                yield from (place.replace(node, text) for text in texts)


class Sibling:
    """A function or method that is easily mistaken for another."""

    name = "sibling function"
    source = SSTUBS
    prior = 1.0
    examples = (
        Example("x = any(a)", "x = all(a)"),
        Example("a.append(b)", "a.extend(b)"),
        Example("x = s.lstrip()", "x = s.rstrip()"),
        Example("for x in d.keys():\n    pass", "for x in d.items():\n    pass"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Swap a builtin or a method for one of its family."""
        for node in place.loads(ast.expr):
            word = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
            for weight, other in enumerate(siblings(word)):
                yield renamed(place, node, word, other, -0.3 * weight)


class Attribute:
    """Another attribute or method that the class or the file knows."""

    name = "attribute"
    source = SSTUBS
    prior = 0.8
    examples = (
        Example("x = a.outgoing\ny = a.incoming", "x = a.incoming\ny = a.incoming"),
        Example(
            "class A:\n    def total(self):\n        return 1\n    def f(self):\n        return self.totl()",
            "class A:\n    def total(self):\n        return 1\n    def f(self):\n        return self.total()",
            "AttributeError: 'A' object has no attribute 'totl'",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Swap an attribute for others, the likest first; the one that the error complains of before all."""
        missing = place.failure.quoted("AttributeError", "attribute")
        for node in place.nodes(ast.Attribute):
            of_self = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            names = dict.fromkeys([*(place.scope.members if of_self else ()), *place.scope.attributes])
            if node.attr == missing:
                names = dict.fromkeys([*names, *_METHODS])
            for name in names:
                if name != node.attr:
                    bonus = 2.0 if node.attr == missing else 0.0
                    yield renamed(place, node, node.attr, name, 2 * likeness(node.attr, name) - 1 + bonus)


class Misspelt:
    """A name that does not exist, for one that does and looks like it."""

    name = "misspelt name"
    source = PYTER
    prior = 4.0
    examples = (
        Example(
            "def f(count):\n    return cuont",
            "def f(count):\n    return count",
            "NameError: name 'cuont' is not defined",
        ),
        Example("x = lenn([])", "x = len([])", "NameError: name 'lenn' is not defined"),
        Example(
            "def f():\n    return True if true else 0",
            "def f():\n    return True if True else 0",
            "NameError: name 'true' is not defined",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Swap the undefined name for every name in sight that is alike."""
        missing = place.missing_name
        known = dict.fromkeys([*place.scope.locals, *place.scope.globals, *dir(builtins)])
        for node in place.nodes(ast.Name):
            if node.id == missing:
                for name in known:
                    if name != missing and likeness(missing, name) >= _ALIKE:
                        yield place.replace(node, name, 3 * likeness(missing, name))


class MissingSelf:
    """An attribute or method of the object, used without `self.`"""

    name = "missing self"
    source = PYTER
    prior = 1.0
    examples = (
        Example(
            "class A:\n    def __init__(self):\n        self.n = 1\n    def f(self, n):\n        return n",
            "class A:\n    def __init__(self):\n        self.n = 1\n    def f(self, n):\n        return self.n",
        ),
        Example(
            "class A:\n    def g(self):\n        pass\n    def f(self):\n        return g()",
            "class A:\n    def g(self):\n        pass\n    def f(self):\n        return self.g()",
            "NameError: name 'g' is not defined",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Put the function's own first parameter in front of a name that the class has."""
        arguments = place.function.args.args if place.function else []
        if not arguments or not place.scope.members:
            return
        missing = place.missing_name
        for node in place.nodes(ast.Name):
            if node.id in place.scope.members:
                yield place.replace(node, f"{arguments[0].arg}.{node.id}", 2.0 if node.id == missing else 0.0)


class MissingImport:
    """A name of the standard library that was never imported."""

    name = "missing import"
    source = PYTER
    prior = 4.0
    examples = (
        Example(
            "def f():\n    return math.pi",
            "import math\n\n\ndef f():\n    return math.pi",
            "NameError: name 'math' is not defined",
        ),
        Example(
            '"""Doc."""\nimport re\nx = defaultdict(int)',
            '"""Doc."""\nimport re\nfrom collections import defaultdict\nx = defaultdict(int)',
            "NameError: name 'defaultdict' is not defined",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Import the undefined name behind the imports that are there."""
        missing = place.missing_name
        if not any(node.id == missing for node in place.nodes(ast.Name)):
            return
        for weight, line in enumerate(imports_for(missing)):
            yield _imported(place, line, -0.3 * weight)


def siblings(word: str) -> list[str]:
    """The functions and methods that one is easily mistaken for."""
    return [other for family in _FAMILIES if word in family for other in family if other != word]


def renamed(place: Place, node: ast.expr, old: str, new: str, weight: float = 0.0) -> Edit:
    """A name, or the last part of one, for another."""
    _, end = place.source.span(node)
    return Edit(end - len(old), end, new, weight)


_LONGEST = 40
_ALIKE = 0.5
_FAMILIES = tuple(
    tuple(family.split())
    for family in (
        "any all",
        "min max sum len",
        "sorted reversed list set tuple",
        "floor ceil round int",
        "append extend add insert update",
        "remove discard pop popitem popleft clear",
        "strip lstrip rstrip",
        "lower upper title capitalize swapcase casefold",
        "startswith endswith",
        "find rfind index rindex count",
        "split rsplit splitlines partition rpartition",
        "keys values items",
        "isdigit isalpha isalnum isnumeric isdecimal isspace isupper islower",
        "read readline readlines",
        "union intersection difference symmetric_difference",
        "issubset issuperset isdisjoint",
        "match search fullmatch findall",
        "sin cos tan",
        "get setdefault pop",
        "str repr",
        "str int float bool",
        "encode decode",
        "range enumerate",
        "isinstance issubclass",
        "ljust rjust center zfill",
        "sort reverse",
        "appendleft append",
        "exists is_file is_dir",
        "combinations permutations product combinations_with_replacement",
    )
)
_METHODS = tuple(sorted({name for kind in (str, list, dict, set, bytes) for name in dir(kind) if name[0] != "_"}))


def _names(node: ast.expr) -> Iterator[str]:
    return (inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))


def _imported(place: Place, line: str, weight: float) -> Edit:
    source, body = place.source, place.source.tree.body
    imports = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    has_docstring = ast.get_docstring(source.tree, clean=False) is not None
    last = imports[-1] if imports else body[0] if has_docstring else None
    if last:
        end = source.line_end(last.end_lineno or last.lineno)
        return Edit(end, end, source.newline + line, weight)
    start = source.line_start(body[0].lineno) if body else 0
    gap = source.newline * (3 if body and isinstance(body[0], ast.FunctionDef | ast.ClassDef) else 1)
    return Edit(start, start, line + gap, weight)
