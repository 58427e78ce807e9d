"""One suspicious statement with all that a template may use to change it: names, expressions, the error."""

from __future__ import annotations

import ast
import re
import warnings
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property, lru_cache
from itertools import chain
from typing import TypeVar

from fixer.offline.loose_ends import LooseEnds, loose_ends
from fixer.offline.precedence import fitted
from fixer.offline.source import Edit, Function, Source, first_line, own_expressions, parameters

Node = TypeVar("Node", bound=ast.AST)


@dataclass(frozen=True)
class Failure:
    """What is known of the failing test: the exception's type and message."""

    error_type: str = ""
    message: str = ""

    def is_a(self, *types: str) -> bool:
        """Whether the test died of one of these exceptions."""
        return self.error_type.rpartition(".")[2] in types

    def quoted(self, error_type: str, word: str) -> str:
        """What the message of an exception of this type names behind a word; empty where it is another exception."""
        found = re.search(rf"{word} '([^']+)'", self.message)
        return found[1] if found and self.is_a(error_type) else ""

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The texts that the message holds in quotes; those that pytest has shortened are left out."""
        found = (_value(one[0]) for one in _QUOTED.finditer(self.message))
        return tuple(dict.fromkeys(text for text in found if text and not _SHORTENED.search(text)))

    @cached_property
    def not_raised(self) -> tuple[str, ...]:
        """The errors that the test waited for in vain, by their bare names: pytest and unittest say it differently."""
        found = _NOT_RAISED.match(self.message)
        named = re.findall(r"[\w.]+", found[1] or found[2]) if found else []
        return tuple(dict.fromkeys(name.rpartition(".")[2] for name in named if name != "class"))


class Scope:
    """The words that a function, its class and its file use."""

    def __init__(self, source: Source, function: Function | None) -> None:
        self.source = source
        self.function = function

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All that stands in the function; where it is in none, all of the file that stands in none."""
        return tuple(ast.walk(self.function) if self.function else _outside_functions(self.source.tree))

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The parameters of the function, `self` and `cls` left out."""
        return tuple(_parameters(self.function)) if self.function else ()

    @cached_property
    def locals(self) -> tuple[str, ...]:
        """Parameters and assigned names, in the order in which they appear; behind them those of functions around."""
        around = [name for outer in self._around for name in (*_parameters(outer), *_stored(ast.walk(outer)))]
        return tuple(dict.fromkeys([*self.parameters, *_stored(self.nodes), *around]))

    @cached_property
    def globals(self) -> tuple[str, ...]:
        """The names that the file's top level binds."""
        return tuple(dict.fromkeys(name for node in self.source.tree.body for name in _bound(node)))

    @cached_property
    def imported(self) -> dict[str, str]:
        """What the names that the function, or the file's top level, imports stand for, with their modules."""
        statements = [node for node in (*self.source.tree.body, *self.nodes) if isinstance(node, _IMPORTS)]
        return {name: whole for node in statements for name, whole in _meant(node)}

    @cached_property
    def callables(self) -> tuple[str, ...]:
        """The functions and classes that the file defines at its top level."""
        defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        return tuple(node.name for node in self.source.tree.body if isinstance(node, defined))

    @cached_property
    def attributes(self) -> Counter[str]:
        """The attributes and methods that the file names, with how often."""
        return Counter(node.attr for node in ast.walk(self.source.tree) if isinstance(node, ast.Attribute))

    @cached_property
    def members(self) -> tuple[str, ...]:
        """What the class around is known to have: methods, class attributes, and what is set on `self`."""
        owner = self.source.class_of(self.function) if self.function else None
        if not owner:
            return ()
        own = [name for node in owner.body for name in _bound(node)]
        attributes = [node for node in ast.walk(owner) if isinstance(node, ast.Attribute)]
        return tuple(dict.fromkeys(own + [node.attr for node in attributes if _sets_self(node)]))

    @cached_property
    def constants(self) -> tuple[object, ...]:
        """The literals of the function."""
        found = (node.value for node in self.nodes if isinstance(node, ast.Constant))
        return tuple({repr(value): value for value in found}.values())

    @cached_property
    def expressions(self) -> tuple[str, ...]:
        """The texts of the function's small expressions: ingredients; of its conditions only the parts."""
        wanted = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.BinOp, *_CHOICES)
        found = (node for node in self.nodes if isinstance(node, wanted) and _is_load(node))
        values = (node for node in found if not isinstance(node, _CHOICES) or not self._is_asked(node))
        sized = (
            (_LONGEST_CHOICE if isinstance(node, _CHOICES) else _LONGEST_INGREDIENT, self.source.segment(node))
            for node in values
            if not self.source.is_in_fstring(node)
        )
        return tuple(dict.fromkeys(text for longest, text in sized if len(text) <= longest and "\n" not in text))

    def _is_asked(self, node: ast.AST) -> bool:
        """Whether a node is a condition or a part of one."""
        parent = self.source.parents.get(node)
        return isinstance(parent, ast.BoolOp | ast.UnaryOp) or node is getattr(parent, "test", None)

    @cached_property
    def collections(self) -> tuple[str, ...]:
        """Names that the function, or one around it, starts as an empty or literal list, set or dict."""
        makers = (ast.List, ast.Set, ast.Dict, ast.ListComp)
        read = chain(self.nodes, *map(ast.walk, self._around))
        found = (node for node in read if isinstance(node, ast.Assign))
        made = (node for node in found if isinstance(node.value, makers) or _makes_collection(node.value))
        return tuple(
            dict.fromkeys(target.id for node in made for target in node.targets if isinstance(target, ast.Name))
        )

    @cached_property
    def loose_ends(self) -> LooseEnds:
        """Of the outermost function."""
        outermost = self._around[-1] if self._around else self.function
        return loose_ends(outermost) if outermost else LooseEnds()

    @cached_property
    def _around(self) -> tuple[Function, ...]:
        """The functions around this one, from the inside out."""
        return tuple(up for up in self.source.above(self.function) if isinstance(up, Function)) if self.function else ()


class Place:
    """A statement that may be at fault."""

    def __init__(self, source: Source, statement: ast.stmt, failure: Failure, scope: Scope | None = None) -> None:
        self.source = source
        self.statement = statement
        self.failure = failure
        self.function = source.function_of(statement)
        self.scope = scope or Scope(source, self.function)

    @cached_property
    def expressions(self) -> tuple[ast.expr, ...]:
        """The statement's own expressions, outermost first; of a function's type hints only where a name is missing.

        Nothing reads them otherwise, and to change them means to import the file again, which is slow.
        """
        found = own_expressions(self.statement)
        if self.failure.is_a("NameError", "AttributeError"):
            return tuple(found)
        hints = set(_hints(self.statement, inside=self.function is not None))
        return tuple(node for node in found if node not in hints)

    def nodes(self, *types: type[Node]) -> Iterator[Node]:
        """The statement's own expressions of these types."""
        return (node for node in self.expressions if isinstance(node, types))

    def loads(self, *types: type[Node]) -> Iterator[Node]:
        """The same without the targets of assignments."""
        return (node for node in self.nodes(*types) if _is_load(node))

    def replace(self, node: ast.AST, text: str, weight: float = 0.0) -> Edit:
        """Put an expression in a node's place, in parentheses where it needs them there."""
        start, end = self.source.span(node)
        return Edit(start, end, fitted(self.source, node, text), weight)

    def operator(self, left: ast.AST, right: ast.AST, old: str, new: str, weight: float = 0.0) -> Iterator[Edit]:
        """Put another operator between two operands."""
        gap = self.source.span(left)[1], self.source.span(right)[0]
        words = [token for token in self.source.tokens(*gap) if token[2] not in "()"]
        if words and " ".join(word for _, _, word in words) == old:
            yield Edit(words[0][0], words[-1][1], new, weight)

    def before(self, *lines: str, weight: float = 0.0) -> Iterator[Edit]:
        """Put lines in front of the statement, at its depth."""
        indent = self.indent
        if indent is not None:
            start = self.source.line_start(first_line(self.statement))
            yield Edit(start, start, "".join(indent + line + self.source.newline for line in lines), weight)

    def after(self, *lines: str, weight: float = 0.0) -> Iterator[Edit]:
        """Put lines behind the statement, at its depth."""
        indent = self.indent
        if indent is not None:
            end = self._line_end
            yield Edit(end, end, "".join(self.source.newline + indent + line for line in lines), weight)

    def otherwise(self, line: str, weight: float = 0.0) -> Iterator[Edit]:
        """Put an `else` with one line behind a condition that has none."""
        if isinstance(self.statement, ast.If) and not self.statement.orelse and self.indent is not None:
            end = self.source.span(self.statement)[1]
            lines = "", f"{self.indent}else:", self.indent + self.indent_step + line
            yield Edit(end, end, self.source.newline.join(lines), weight)

    def text(self, node: ast.AST) -> str:
        """A node's text."""
        return self.source.segment(node)

    def parent(self, node: ast.AST) -> ast.AST | None:
        """What directly contains a node."""
        return self.source.parents.get(node)

    def is_called(self, node: ast.AST) -> bool:
        """Whether a node is the function of a call."""
        parent = self.parent(node)
        return isinstance(parent, ast.Call) and parent.func is node

    @property
    def is_in_loop(self) -> bool:
        """Whether the statement stands inside a loop."""
        return any(isinstance(up, ast.For | ast.AsyncFor | ast.While) for up in self.source.above(self.statement))

    @property
    def missing_name(self) -> str:
        """The name that the error says has no value."""
        return self.failure.quoted("NameError", "name") or self.failure.quoted("UnboundLocalError", "variable")

    @cached_property
    def indent(self) -> str | None:
        """The white space before the statement; None where it does not have its lines to itself."""
        return self.source.indent_of(self.statement)

    @cached_property
    def _line_end(self) -> int:
        return self.source.line_end(self.statement.end_lineno or self.statement.lineno)

    @cached_property
    def indent_step(self) -> str:
        """What the file indents by."""
        for node in self.source.statements:
            indent = self.source.indent_of(node)
            if indent:
                return "\t" if "\t" in indent else "    " if len(indent) % 4 == 0 else "  "
        return "    "

    def near(self, old: str, new: str) -> float:
        """How likely one name is meant for another: alike, and used in the same statement."""
        here = {node.id for node in self.nodes(ast.Name)}
        return 1.5 * likeness(old, new) + (0.4 if new in here else 0.0)


@lru_cache(maxsize=20_000)
def likeness(one: str, other: str) -> float:
    """How alike two names are, 0 to 1, whatever their case."""
    return SequenceMatcher(None, one.lower(), other.lower()).ratio()


_IMPORTS = (ast.Import, ast.ImportFrom)
_LONGEST_INGREDIENT = 40
_CHOICES = (ast.BoolOp, ast.IfExp)
_LONGEST_CHOICE = 60
"""Of values joined by `and` or `or`, or chosen by a condition, of which a function has few."""
_QUOTED = re.compile(r"""(?<!\w)('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")(?!\w)""")
_NOT_RAISED = re.compile(r"DID NOT RAISE ([<(].*)|(\w+|\(<class .*\)) not raised(?= by |$| :)", re.MULTILINE)
_SHORTENED = re.compile(r"\S\.\.\.\S")


def _value(literal: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a message quotes as it likes
        try:
            return str(ast.literal_eval(literal))
        except (SyntaxError, ValueError):
            return literal[1:-1]


def _hints(statement: ast.stmt, *, inside: bool) -> Iterator[ast.AST]:
    """All that stands in the type hints of a function's parameters and result, or of a variable in a function."""
    hints: list[ast.expr | None] = []
    if isinstance(statement, Function):
        hints = [statement.returns, *(arg.annotation for arg in ast.walk(statement.args) if isinstance(arg, ast.arg))]
    elif isinstance(statement, ast.AnnAssign) and inside:
        hints = [statement.annotation]
    return (inner for hint in hints if hint is not None for inner in ast.walk(hint))


def _parameters(function: Function) -> list[str]:
    return parameters(function) + [arg.arg for arg in (function.args.vararg, function.args.kwarg) if arg]


def _meant(statement: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    for alias in statement.names:
        if isinstance(statement, ast.ImportFrom):
            yield alias.asname or alias.name, f"{'.' * statement.level}{statement.module or ''}.{alias.name}"
        else:
            first = alias.name.partition(".")[0]
            yield alias.asname or first, alias.name if alias.asname else first


def _stored(nodes: Iterable[ast.AST]) -> list[str]:
    return [node.id for node in nodes if isinstance(node, ast.Name) and not _is_load(node)]


def _outside_functions(root: ast.AST) -> Iterator[ast.AST]:
    """What runs as the file is imported, and may read the names that the file's top level and its classes bind."""
    left = deque([root])
    while left:
        node = left.popleft()
        yield node
        left += () if isinstance(node, Function) else ast.iter_child_nodes(node)


def _is_load(node: ast.AST) -> bool:
    return isinstance(getattr(node, "ctx", ast.Load()), ast.Load)


def _sets_self(node: ast.Attribute) -> bool:
    return not _is_load(node) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


def _makes_collection(node: ast.expr) -> bool:
    makers = ("list", "set", "dict", "defaultdict", "deque", "Counter", "OrderedDict")
    called = node.func if isinstance(node, ast.Call) else None
    return isinstance(called, ast.Name) and called.id in makers


def _bound(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        yield from ((alias.asname or alias.name).partition(".")[0] for alias in statement.names)
    elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.If | ast.Try | ast.For | ast.With):
        yield from (node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and not _is_load(node))
