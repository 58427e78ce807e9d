"""Errors that should be raised, should be others, or should be handled."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from itertools import product

from fixer.offline.place import Place
from fixer.offline.source import Edit
from fixer.offline.templates.base import PAR, PYTER, TBAR, Example
from fixer.offline.templates.statements import values_to_return


class ErrorMissing:
    """Input that should be refused, where the test says which error it waited for."""

    name = "missing error"
    source = PAR
    prior = 1.5
    examples = (
        Example(
            "def f(n):\n    return n",
            'def f(n):\n    if n < 0:\n        raise ValueError(f"invalid n: {n!r}")\n    return n',
            "Failed: DID NOT RAISE <class 'ValueError'>",
        ),
        Example(
            "def f(n):\n    if n:\n        return 1\n    elif n is None:\n        g()",
            "def f(n):\n    if n:\n        return 1\n    elif n is None:\n        g()\n    else:\n"
            '        raise TypeError(f"invalid n: {n!r}")',
            "Failed: DID NOT RAISE <class 'TypeError'>",
        ),
        Example(
            "def f(n):\n    if n:\n        return None",
            'def f(n):\n    if n:\n        raise KeyError("invalid")',
            "Failed: DID NOT RAISE (<class 'KeyError'>, <class 'IndexError'>)",
        ),
        Example(
            "def f(n):\n    return n",
            'def f(n):\n    if not n:\n        raise ValueError(f"invalid n: {n!r}")\n    return n',
            "AssertionError: ValueError not raised by f",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Refuse a parameter before the statement, what no branch takes, or what is passed over without a word."""
        if place.function is None:
            return
        for name in (error for error in place.failure.not_raised if _is_known(place, error)):
            yield from self._refused(place, name)
            yield from self._else(place, name)
            if isinstance(place.statement, ast.Return | ast.Pass | ast.Continue | ast.Break):
                start, end = place.source.span(place.statement)
                yield Edit(start, end, f'raise {name}("invalid")', -0.5)

    def _refused(self, place: Place, error: str) -> Iterator[Edit]:
        for name in place.scope.parameters:
            raised = place.indent_step + f'raise {error}(f"invalid {name}: {{{name}!r}}")'
            for weight, test in enumerate(_REFUSED):
                yield from place.before(f"if {test.format(name)}:", raised, weight=-0.15 * weight)
            for other in (other for other in place.scope.locals if other != name):
                for weight, operator in enumerate((">", "<", "==", "not in", "in", "!=")):
                    yield from place.before(f"if {name} {operator} {other}:", raised, weight=-1.5 - 0.15 * weight)

    def _else(self, place: Place, error: str) -> Iterator[Edit]:
        if isinstance(place.statement, ast.If):
            name = next((one.id for one in ast.walk(place.statement.test) if isinstance(one, ast.Name)), "")
            said = f'f"invalid {name}: {{{name}!r}}"' if name else '"invalid"'
            yield from place.otherwise(f"raise {error}({said})", 0.5)


class OtherError:
    """An error of what is called, where the caller is promised one of another kind."""

    name = "other error"
    source = PAR
    prior = 0.3
    examples = (
        Example(
            "def f(s):\n    x = int(s)\n    raise KeyError(s)",
            "def f(s):\n    try:\n        x = int(s)\n    except ValueError as error:\n"
            "        raise KeyError(str(error)) from error\n    raise KeyError(s)",
            "ValueError: invalid literal for int() with base 10: 'a'",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Raise an error of a kind that the file raises already, or a usual one."""
        for error in _handled(place):
            for weight, other in enumerate(dict.fromkeys([*_raised(place), "ValueError", "TypeError"])):
                if other != error:
                    handler = f"except {error} as error:", f"raise {other}(str(error)) from error"
                    yield from _tried(place, *handler, weight=-0.2 * weight)


class ErrorToSurvive:
    """An error that has a usual answer. To go on as if there had been none is what the guards refuse."""

    name = "error to survive"
    source = TBAR
    prior = 0.25
    examples = (
        Example(
            "def f(s):\n    return int(s)",
            "def f(s):\n    try:\n        return int(s)\n    except ValueError:\n        return None",
            "ValueError: invalid literal for int() with base 10: 'a'",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Give something usual."""
        if place.function is None:
            return
        for error in _handled(place):
            for weight, value in enumerate(values_to_return(place)):
                yield from _tried(place, f"except {error}:", f"return {value}", weight=-0.2 * weight)


class HandlerTooNarrow:
    """A handler that does not know the error that the test died of."""

    name = "handler too narrow"
    source = TBAR
    prior = 1.5
    examples = (
        Example(
            "try:\n    f()\nexcept (KeyError, ValueError):\n    g()",
            "try:\n    f()\nexcept (KeyError, ValueError, AttributeError):\n    g()",
            "AttributeError: 'str' object has no attribute 'a'",
        ),
        Example(
            "try:\n    f()\nexcept KeyError as error:\n    g(error)",
            "try:\n    f()\nexcept (KeyError, TypeError) as error:\n    g(error)",
            "TypeError: unhashable type: 'list'",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Handle that error as well, around the statement, where something is done about the others."""
        around = [place.statement, *place.source.above(place.statement)]
        attempts = [node for node in around if isinstance(node, ast.Try)]
        handlers = [handler for attempt in attempts for handler in attempt.handlers if not _does_nothing(handler)]
        known = [handler.type for handler in handlers if handler.type]
        for kinds, error in product(known, _handled(place)):
            end = place.source.span(kinds)[1] - 1
            if isinstance(kinds, ast.Tuple) and kinds.elts:
                yield Edit(end, end, f", {error}")
            elif not isinstance(kinds, ast.Tuple):
                yield place.replace(kinds, f"({place.text(kinds)}, {error})")


class BaseMissing:
    """An error that should count as one of another kind, where the test asks whether it does."""

    name = "missing base"
    source = PYTER
    prior = 1.5
    examples = (
        Example(
            "class A(Exception):\n    pass",
            "class A(KeyError):\n    pass",
            "AssertionError: assert False\n +  where False = issubclass(<class 'm.A'>, KeyError)",
        ),
        Example(
            "class A(ValueError):\n    pass\ndef f(x):\n    raise A(x)",
            "class A(ValueError, KeyError):\n    pass\ndef f(x):\n    raise A(x)",
            "AssertionError: assert False\n +  where False = isinstance(A('x'), KeyError)",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Make it one; said of what names it as well, for the line of a class seldom runs in a test."""
        asked = _ASKED.search(place.failure.message)
        if not asked or not place.failure.is_a("AssertionError"):
            return
        said = dict.fromkeys(re.findall(r"\w+", asked[1]))
        for node in _named_here(place):
            if node.name in said and any(
                _is_error(place, base.id) for base in node.bases if isinstance(base, ast.Name)
            ):
                yield from _based(place, node, [error for error in said if _is_error(place, error)])


_ASKED = re.compile(r"\b(?:issubclass|isinstance)\((.*)")
_REFUSED = (
    *("not {}", "{} is None", "{} < 0", "{} <= 0", "not isinstance({}, int)", "not isinstance({}, str)"),
    *("len({}) == 0", "isinstance({}, bool)", "isinstance({}, str)", "{} > 1"),
)
_SIMPLE = (ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return)


def _is_known(place: Place, error: str) -> bool:
    name = error.rpartition(".")[2]
    return name in place.scope.globals or isinstance(getattr(builtins, name, None), type)


def _is_error(place: Place, name: str) -> bool:
    return name.endswith(("Error", "Exception")) and _is_known(place, name)


def _named_here(place: Place) -> Iterator[ast.ClassDef]:
    """The classes that the statement begins or names."""
    names = {node.id for node in place.loads(ast.Name)}
    for node in place.source.tree.body:
        if isinstance(node, ast.ClassDef) and (node is place.statement or node.name in names):
            yield node


def _based(place: Place, owner: ast.ClassDef, errors: list[str]) -> Iterator[Edit]:
    """The class with another error for its last base, where that says no more than that it is one, or besides."""
    last = owner.bases[-1]
    _, end = place.source.span(last)
    known = [place.text(base) for base in owner.bases]
    for error in (error for error in errors if error not in (owner.name, *known)):
        if known[-1] == "Exception":
            yield place.replace(last, error)
        else:
            yield Edit(end, end, f", {error}")


def _handled(place: Place) -> tuple[str, ...]:
    """The error that the test died of, as the file can name it; nothing where the test itself found something wrong."""
    name = place.failure.error_type.rpartition(".")[2]
    if name in ("AssertionError", "NameError", "SyntaxError", "Failed", "Timeout", "Crash", ""):
        return ()
    return (name,) if _is_known(place, name) else ("ValueError", "Exception")


def _raised(place: Place) -> Iterator[str]:
    for node in place.source.statements:
        raised = node.exc if isinstance(node, ast.Raise) else None
        called = raised.func if isinstance(raised, ast.Call) else raised
        if isinstance(called, ast.Name) and called.id[:1].isupper():
            yield called.id


def _does_nothing(handler: ast.ExceptHandler) -> bool:
    return all(isinstance(node, ast.Pass | ast.Continue | ast.Break) for node in handler.body)


def _tried(place: Place, handler: str, way: str, *, weight: float) -> Iterator[Edit]:
    """The statement with a handler of its own."""
    node, indent, newline = place.statement, place.indent, place.source.newline
    if indent is None or not isinstance(node, _SIMPLE):
        return
    start, end = place.source.span(node)
    step = indent + place.indent_step
    text = place.text(node)
    if '"""' in text or "'''" in text:
        return  # its lines must not move
    lines = ["try:", step + text.replace("\n", "\n" + place.indent_step), indent + handler, step + way]
    yield Edit(start, end, newline.join(lines), weight)
