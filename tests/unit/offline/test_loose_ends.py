"""Which variables of a function are there for nothing, and which edits give them something to do."""

from __future__ import annotations

import ast

import pytest

from fixer.offline.loose_ends import LooseEnds, loose_ends


def _of(*lines: str) -> LooseEnds:
    function = ast.parse("\n".join(lines)).body[0]
    assert isinstance(function, ast.FunctionDef)
    return loose_ends(function)


@pytest.mark.parametrize(
    ("unread", "lines"),
    [
        ({"b"}, ("def f(a, b):", "    return a")),
        ({"counts"}, ("def f(a):", "    counts = [0]", "    counts[a] += 1", "    return a")),
        ({"out"}, ("def f(a):", "    out = []", "    out.append(a)", "    return a")),
        (set(), ("def f(self, _b):", "    for i in 'ab':", "        print()")),
        (set(), ("def f(a):", "    def g():", "        return a", "    return g")),
    ],
)
def test_a_variable_that_nothing_reads_is_a_loose_end(unread: set[str], lines: tuple[str, ...]) -> None:
    assert _of(*lines).unread == unread


@pytest.mark.parametrize(
    ("unfilled", "line"),
    [
        ({"seen"}, "if a in seen: return seen"),
        (set(), "seen.add(a)"),
        (set(), "seen[a] = 1"),
        (set(), "seen |= a"),
        (set(), "fill(seen)"),
        (set(), "other = seen"),
        (set(), "seen = a"),
    ],
)
@pytest.mark.parametrize("empty", ["set()", "[]", "{}", "None"])
def test_what_is_read_and_stays_empty_is_a_loose_end(unfilled: set[str], line: str, empty: str) -> None:
    assert _of("def f(a):", f"    seen = {empty}", f"    {line}", "    return a, a in seen").unfilled == unfilled


@pytest.mark.parametrize(
    ("old", "new", "ties"),
    [
        ("", "\n    seen.add(node)", True),
        ("", "\n    seen = node", True),
        ("x", "seen", False),
        ("", "\n    if seen == x:", False),
        ("x", "total", True),
        ("", "\n    out.append(total)", True),
        ("", "\n    total += 1", False),
        ("total", "total + 1", False),
    ],
)
def test_an_edit_ties_up_a_loose_end_where_it_gives_it_what_it_lacks(old: str, new: str, ties: bool) -> None:
    assert LooseEnds(frozenset({"total"}), frozenset({"seen"})).ties(old, new) is ties
