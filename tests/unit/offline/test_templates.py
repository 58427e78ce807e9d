"""Each template by its own examples, and all of them on code that has nothing special about it."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixer.offline.localise import Suspect
from fixer.offline.place import Failure, Place, Scope
from fixer.offline.rank import ranked
from fixer.offline.source import Edit, Source
from fixer.offline.templates import CATALOGUE
from fixer.offline.templates.base import Example, Template

EXAMPLES = [(template, example) for template in CATALOGUE for example in template.examples]
FILE = Path("/project/module.py")


def failure_of(error: str) -> Failure:
    error_type, _, message = error.partition(": ")
    return Failure(error_type, message)


def edits(template: Template, source: Source, failure: Failure) -> Iterator[Edit]:
    for statement in source.statements:
        yield from template.propose(Place(source, statement, failure))


@pytest.mark.parametrize(("template", "example"), EXAMPLES, ids=lambda item: getattr(item, "name", None))
def test_a_template_makes_its_examples(template: Template, example: Example) -> None:
    source = Source(FILE, example.before)
    made = {edit.apply(source.text) for edit in edits(template, source, failure_of(example.error))}
    assert example.after.strip() in {text.strip() for text in made}


def test_every_template_has_its_own_name_a_source_and_examples() -> None:
    assert len({template.name for template in CATALOGUE}) == len(CATALOGUE)
    assert all(template.source and template.examples and template.prior > 0 for template in CATALOGUE)


NOTHING = [
    ("other word", "x = 'more that two'", ""),
    ("other word", "x = 'more that two'", "AssertionError: assert 'more that two' == 'less than five'"),
    ("other word", '"""It is more that two."""', "AssertionError: assert x == 'It is more than two.'"),
    ("other word", "x = 'color'", "KeyError: 'colour'"),
    ("other name in quotes", "x = 'size'", "KeyError: 'colour'"),
    ("other word", r"x = 'more\tthat'", r"AssertionError: assert 'more\tthat' == 'more\tthan'"),
    ("worded otherwise", "a = b = 'all via door'\nx = 'all by door'\ny = 'all via door'", ""),
    ("worded otherwise", "a = 'all via door'\nx = 'all by door'", "E: all by door"),
    ("worded otherwise", "a = 'out via it'\nb = 'in via it'\nx = 'all by door'", "E: all by door"),
    ("length of a run", "x = '####'", ""),
    ("length of a run", "x = '###', '####', 4 * '#'", "AssertionError: assert 4 == 40 in 0x5"),
    ("part of a time format", "x = '%d %s'\ny = '%m'\nz = '%s: %y %q'", ""),
    ("other end", "if x[1] == '{' or x.find('{'):\n    pass", ""),
    ("other end", "if x[0] == y or x[0] > 'a' or x[-1] == 1:\n    pass", ""),
    ("text left out", "x = ['a', 1], {**y}, [], a < 'b'\nz = a == 'c'", ""),
    ("text left out", "x = ['a', 'b']", "KeyError: 'b'"),
    ("text left out", "x = {'size': f(1)}", "AttributeError: it has no member"),
    ("word left out", "x = ['a', 'b'], ['a b', 'c', 'd'], ['of', 'at', 'b']", "AssertionError: 'x at 9' != 'x 9'"),
    ("word left out", "SKIP = ['a', 'b']", "AssertionError: 'x at 9' != 'x 10'"),
    ("word left out", "SKIP = ['a', 'b']", "AssertionError: 'x' != 'x 9 + 1'"),
    ("word left out", "SKIP = ['a', 'b']", "AssertionError: 'x' != 'x of many words'"),
    ("text or list", "def f(a: str, b: list):\n    return a == '*' or b.c == '*' or b == 1 or b in ('*',)", ""),
    ("text in the wrong form", "def f(a):\n    return a", ""),
    ("text in the wrong form", "def f(a):\n    return a", "AssertionError: assert 'one' == 'two'"),
    ("text in the wrong form", "def f(a):\n    return a", "AssertionError: assert ['One', 'b'] == ['one', 'c']"),
    ("text in the wrong form", "def f(a):\n    x = {a: 1}, 2 * 3, [1]", "AssertionError: 'One' != 'one'"),
    ("pattern too narrow", "x = re.compile('[a-z]+')", "ValueError: nothing in quotes"),
    ("pattern too narrow", "x = re.compile('[a-z]+')", "AssertionError: assert 'abc' == 'bcd'"),
    ("pattern too narrow", "x = re.compile('([a-z]+)*(a|b)*')", "AssertionError: assert 'a.b' == 'a.c'"),
    ("pattern too narrow", "x = re.split('[,;]', a)", "AssertionError: assert 'a.b' == 'a.c'"),
    ("pattern too narrow", "x = re.compile('([a-z'), '[a]'", "AssertionError: assert 'a.b' == 'a.c'"),
    (
        "sibling type left out",
        "from datetime import date\ndef f(x):\n    return isinstance(x, (int, A)), date(x, 1)",
        "",
    ),
    (
        "text in the wrong form",
        "def f(a, quote, unquote):\n    return a",
        "AssertionError: assert '<b>to:a%b</b>' == '<b>to:a%25b</b>'",
    ),
    ("sibling type left out", "import os\ndef f(x):\n    return isinstance(x, os.PathLike)", ""),
    ("missing option", "import shutil, os\nshutil.rmtree(a, onerror=b)\nos.makedirs(a, 1, True)", ""),
    ("missing option", "import json\njson.dumps(*a)\njson.dumps(a, **b)\nopen(a, 'rb')\nyaml.dumps(a)\nx = a()()", ""),
    ("missing option", "from .json import dumps\ndumps(a)", ""),
    ("type not asked for", "def f(x: A):\n    return x.b", "AttributeError: 'A' object has no attribute 'b'"),
    ("type not asked for", "def f(x: A):\n    return x.b", "AttributeError: 'NoneType' object has no attribute 'b'"),
    ("type not asked for", "def f(x: A):\n    return x.b", "TypeError: f() takes 2 positional arguments"),
    ("type not asked for", "def f(x):\n    return x.b", "AttributeError: 'B' object has no attribute 'b'"),
    (
        "type not asked for",
        "def f(a, x: A):\n    return [x.b for x in a]",
        "AttributeError: 'B' object has no attribute 'b'",
    ),
    ("missing call of the file", "def f(a):\n    x = g(a)\n    return a.b(1), a.a(b)\nx = a", ""),
    ("missing call of the file", "def f(a):\n    return a\ndef g(a):\n    h(a)\n    k(a, 1)\n    raise E(a)", ""),
    ("value unlike its hint", "def f(x: A):\n    y = x", "AssertionError: assert y == 1"),
    ("value unlike its hint", "def f(x: A):\n    y = x", "ValueError: invalid x"),
    ("value unlike its hint", "def f(x: int, y: A | B, z: Any):\n    a = x\n    a = y\n    a = z", "TypeError: x y z"),
    ("value or nothing", "if len(a) == 1 or a == b or a is C or a == None or a in () or a in b:\n    pass", ""),
    ("attribute not asked for", "class A:\n    def f(self, name):\n        if name in self.d:\n            pass", ""),
    ("file that need not be there", "import os\nos.remove(a)", "PermissionError: [Errno 13]"),
    ("file that need not be there", "os.remove(a)\nx = os.stat(a)\nf()", "FileNotFoundError: [Errno 2]"),
    ("endless retry", "def f(a):\n    if a:\n        g(a)\n        f(1)\n    return f(a)", "RecursionError: maximum"),
    ("endless retry", "def f(a):\n    if a:\n        f(a)", "ValueError: a"),
    ("keyword twice", "f(b=c, **d)", "TypeError: f() got an unexpected keyword argument 'b'"),
    (
        "keyword twice",
        "f(b=c)\ng(a=c, **d)\nh(**d, b=c)",
        "TypeError: f() got multiple values for keyword argument 'b'",
    ),
    ("unknown keyword", "def f(size):\n    pass\nf(b=1)", "TypeError: f() got an unexpected keyword argument 'b'"),
    ("unknown keyword", "def f(names):\n    pass\nf(name=1)", ""),
    ("keyword unlike its value", "f(a=a, size=1)\ng(size=width, height=x.height)", ""),
    ("text for a collection of texts", "f('a', b=x)\ng(('a',), 1, x)", ""),
    ("call of nothing", "def f(a):\n    g(b, 1, **a)\n    if a:\n        g(a)\n    return g(a)", ""),
    ("part of nothing", "x = 'a' + 'b', a + b, a + '', a.b() + 'c', 1 + a, a * 'd'", ""),
    ("entry taken too late", "if a:\n    x = d.pop('c d'), d.pop(), d.pop(e), d.get('f')\nelif b:\n    d.pop('g')", ""),
    ("None passed on", "def f(d):\n    x = {'a': 1, 'b': c}\n    g(**x, **d)\n    return {**d, 'a': b, 'c': e}", ""),
    ("missing count", "def f(a, b):\n    for x in a.xs:\n        y = a.n + b.n, a.n - a.m, a.n + 1", ""),
    ("missing value on error", "class A:\n    x = 1\n    def f(self, a):\n        self.x = int(a)", "ValueError: a"),
    ("missing value on error", "class A:\n    x = None\n    def f(self, a):\n        self.x = a", "AssertionError: a"),
    ("attempt too wide", "try:\n    a.b(c)\nexcept AttributeError:\n    raise E", "m.F: a"),
    ("attempt too wide", "try:\n    a.b(c)\nexcept ValueError:\n    raise E", "m.E: a"),
    ("attempt too wide", "try:\n    a.b(c)\n    d()\nexcept KeyError:\n    raise E", "m.E: a"),
    (
        "statement of a namesake",
        "class A:\n    def f(self, a):\n        self.b = a\n    def g(self):\n        h(a)",
        "",
    ),
    (
        "statement of a namesake",
        "class A:\n    def f(self, a):\n        g(self)\nclass B:\n    def f(self, a, b):\n        len(b), h(self, a)",
        "",
    ),
    ("missing step", "def f(p):\n    q = p.a\n    return p.b + q.b\ndef g(x):\n    x.load()", ""),
    ("missing step", "def f():\n    p = g()\n    p.wait()\n    return p.b\ndef g(x):\n    x.load(1)", ""),
    ("missing default", "def f(n, a):\n    return a", "TypeError: f() missing 1 required positional argument: 'n'"),
    ("missing default", "def f(n):\n    return n", "TypeError: A.f() missing 1 required positional argument: 'n'"),
    ("missing default", "def f(n):\n    return n", "TypeError: f() takes 0 positional arguments but 1 was given"),
    (
        "missing protocol",
        "class A:\n    def __init__(self):\n        self.a = []\n        self.b = {}",
        "TypeError: 'A' object is not iterable",
    ),
    ("missing protocol", "class A:\n    a: list[int]", "TypeError: 'B' object is not iterable"),
    ("missing protocol", "class A:\n    a: list[int]", "TypeError: 'A' object is not callable"),
    ("missing error", "def f(n):\n    return n", "AssertionError: the ValueError not raised"),
    ("missing error", "def f(n):\n    return n", "Failed: DID NOT RAISE any exception"),
    ("missing base", "class A(Exception):\n    pass", "AssertionError: assert 'A' == 'KeyError'"),
    ("missing base", "class A(Exception):\n    pass", "AssertionError: assert isinstance(B(), KeyError)"),
    ("missing base", "class A(B):\n    pass", "AssertionError: assert isinstance(A(), KeyError)"),
    ("guard of a value", "x = a.b", ""),
    ("guard of a value", "def f(a):\n    return [x.b for x in g()]", ""),
    ("missing copy", "a.top = b.top", "KeyError: 'low'"),
    ("missing copy of a block", "def f(low, hi):\n    if low and low > 0:\n        g(low)\n    hi()", ""),
    ("missing copy of a block", "def f(low, lower):\n    if low and low < lower:\n        g(low)", ""),
    (
        "missing copy of a block",
        "def f(low, lower):\n    if low and low > 0:\n        g()\n    if lower and lower > 0:\n        g()",
        "",
    ),
    ("missing copy of a block for the error", "if 'a' in b:\n    c()\nelse:\n    d()", "KeyError: 'e'"),
    ("missing copy of a block for the error", "def f(at_a, at_b):\n    if at_a > at_a:\n        raise E", ""),
    ("attribute left out", "x = [self.aa, self.bb, self.cc]", ""),
    (
        "attribute left out",
        "class A:\n    aa = bb = cc = dd = 1\n    def f(self):\n        return [self.aa, self.bb, self.cc + 1]",
        "",
    ),
    ("bare super", "class A:\n    def f(self):\n        return super().f()", "RuntimeError: super(): no arguments"),
    ("bare super", "class A:\n    def f(self, a):\n        return [super().f() for x in a]", "TypeError: bad operand"),
    ("late binding", "for x in a:\n    g(lambda x: x)", ""),
    ("late binding", "def f(a, x):\n    for y in a:\n        g(lambda t: t == x)", ""),
]
"""A template, and code and an error for which it has nothing to say."""


@pytest.mark.parametrize(("name", "text", "error"), NOTHING)
def test_a_template_proposes_nothing_for_what_is_not_its_own(name: str, text: str, error: str) -> None:
    template = next(one for one in CATALOGUE if one.name == name)
    assert not list(edits(template, Source(FILE, text), failure_of(error)))


@pytest.mark.parametrize(
    ("message", "errors"),
    [
        ("DID NOT RAISE <class 'a.b.C'>", ("C",)),
        ("DID NOT RAISE (<class 'KeyError'>, <class 'IndexError'>)", ("KeyError", "IndexError")),
        ("KeyError not raised", ("KeyError",)),
        ("KeyError not raised by f : it is there", ("KeyError",)),
        ("(<class 'KeyError'>, <class 'IndexError'>) not raised", ("KeyError", "IndexError")),
        ("1 != 2 : KeyError not raised", ()),
    ],
)
def test_an_error_that_did_not_come_is_known_in_either_wording(message: str, errors: tuple[str, ...]) -> None:
    assert Failure("AssertionError", message).not_raised == errors


@pytest.mark.parametrize(
    "text", ["", "# nothing here\n", '"""Only words."""\n', "from __future__ import annotations\n"]
)
def test_nothing_is_proposed_where_there_is_nothing_to_change(text: str) -> None:
    source = Source(FILE, text)
    assert not list(candidates(source))


@pytest.mark.parametrize(("error", "changed"), [("", False), ("NameError: name 'List' is not defined", True)])
def test_type_hints_of_functions_are_left_alone_unless_a_name_is_missing(error: str, changed: bool) -> None:
    source = Source(FILE, "def f(a: List[int], n=0) -> str:\n    b: bytes = n\n    return n\n")
    hints = [(source.text.index(hint), len(hint)) for hint in ("List[int]", "str", "bytes")]
    spans = [(one.start, one.end) for template in CATALOGUE for one in edits(template, source, failure_of(error))]
    inside = [span for span in spans for at, size in hints if at <= span[0] < span[1] <= at + size]
    assert bool(inside) == changed
    assert any(source.text[start:end] == "0" for start, end in spans)


HARD = '''\
# -*- coding: utf-8 -*-
"""Ünïcode."""
from os import path


@decorated("é", n=1)
class Näme:
    größe = {"ß": [1, 2, 3], **other}

    def f(self, x=[], *args, key: int = 0, **kwargs):  # ü
        """Doc."""
        if x: return 1
        elif not key: x = 2; key = 3
        else:
            f"{x!r:>{key}} é {key + 1}"
        with open(path.join("ä", x)) as handle, lock: pass
        try:
            self.größe["é"][0:key] += [y for y in x if y > 0 if y]
        except (ValueError, TypeError) as error:
            raise RuntimeError("no") from error
        finally:
            del x[0]
        while True:
\t        break
        return (lambda a, b=1: a - b)(*args), sum(i * 2 for i in x), (yield), \\
            x[::2] or not key and 1 < key <= 3
    async def g(self): return await h(self.größe)


for i, (a, b) in enumerate([]):
    continue
else:
    global_ = [-1, +2, ~3, 1.5, 2j, b"x", ..., None, True, 'it\\'s', "q\\"", """multi
line"""]
match global_:
    case [1, x] if x: pass
    case _: pass
'''


def candidates(source: Source, most: int = 200) -> Iterator[str]:
    """Some candidates' texts, after a look at each that nothing but its own span changed."""
    places = [Suspect(source, statement, 1.0) for statement in source.statements]
    for error in ("", "KeyError: 'x'", "NameError: name 'x' is not defined", "TypeError: 'NoneType' object"):
        for candidate in islice(ranked(places, CATALOGUE, failure_of(error), scale=3), most):
            edit = candidate.edit
            assert candidate.text.startswith(source.text[: edit.start])
            assert candidate.text.endswith(source.text[edit.end :])
            yield candidate.text


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_candidate_of_a_hard_file_is_valid_and_different(newline: str) -> None:
    source = Source(FILE, HARD.replace("\n", newline))
    original = ast.dump(source.tree)
    count = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for text in candidates(source):
            count += 1
            assert ast.dump(ast.parse(text)) != original
            assert newline == "\n" or "\n" not in text.replace("\r\n", "")
    assert count > 500


NAMES = st.sampled_from(["a", "b", "total", "größe"])
ATOMS = st.one_of(NAMES, st.integers(0, 9).map(str), st.sampled_from(["'ü'", "None", "[]", "True"]))
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "**", "and", "or", "<", "==", "in"]), inner).map(
            lambda parts: f"({parts[0]}) {parts[1]} {parts[2]}"
        ),
        st.tuples(inner, inner).map(lambda parts: f"f({parts[0]}, {parts[1]})"),
        st.tuples(NAMES, inner).map(lambda parts: f"{parts[0]}[{parts[1]}]"),
        inner.map(lambda part: f"[x for x in {part}  if x]"),
        inner.map(lambda part: f"(not {part})"),
        st.tuples(inner, inner).map(lambda parts: f"({parts[0]} if a else {parts[1]})"),
    ),
    max_leaves=5,
)
STATEMENTS = st.one_of(
    EXPRESSIONS.map(lambda text: f"    return {text}  # ä"),
    EXPRESSIONS.map(lambda text: f"    total = {text}"),
    EXPRESSIONS.map(lambda text: f"    if {text}:\n        total += 1\n    elif a: pass"),
    EXPRESSIONS.map(lambda text: f"    for b in {text}:\n        g(b)\n        continue"),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(STATEMENTS, min_size=1, max_size=3))
def test_every_candidate_of_any_function_is_valid_and_different(lines: list[str]) -> None:
    text = "def f(a, größe=1):\n" + "\n".join(lines) + "\n"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = Source(FILE, text)
        original = ast.dump(source.tree)
        assert all(ast.dump(ast.parse(changed)) != original for changed in candidates(source, 40))


@pytest.mark.parametrize(("exponent", "likely"), [("0.5", False), ("2", True), ("2.0", True)])
def test_a_root_is_hardly_a_slip(exponent: str, likely: bool) -> None:
    source = Source(FILE, f"x = n ** {exponent}\n")
    names = ("arithmetic operator", "operand too many")
    templates = [template for template in CATALOGUE if template.name in names]
    weights = {edit.weight for template in templates for edit in edits(template, source, Failure())}
    assert (max(weights) > -1.0) is likely


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ("def f(a):\n    for x in a:\n        g(x)\n    h()", True),
        ("def f(a):\n    for x in a:\n        g(x)\n    return a", False),
        ("def f(a):\n    for x in a:\n        g(x)\n    def k():\n        return 1\n    k()", True),
    ],
)
def test_a_block_is_left_without_a_result_where_the_function_gives_none(text: str, may: bool) -> None:
    missing = next(template for template in CATALOGUE if template.name == "missing statement")
    made = [edit.text.strip() for edit in edits(missing, Source(FILE, text), Failure())]
    assert ("return" in made) is may
    assert made.count("return") <= 1


def test_what_ties_up_a_loose_end_is_likelier_than_what_does_not() -> None:
    empty = "def f(a):\n    seen = []\n    for x in a:\n        if x in seen:\n            return x\n"
    scores = []
    for text in (empty, empty + "        seen.insert(0, x)\n"):
        source = Source(FILE, text)
        found = ranked([Suspect(source, source.statements[3], 1.0)], CATALOGUE, Failure())
        scores.append(next(one.score for one in found if "seen.append(x)" in one.edit.text))
    assert scores[0] > scores[1] + 0.5


@pytest.mark.parametrize(("number", "next_one", "likely"), [("0.5", "1.5", False), ("2.0", "3.0", True)])
def test_a_fraction_is_hardly_one_too_few(number: str, next_one: str, likely: bool) -> None:
    source = Source(FILE, f"x = n * {number}\n")
    constant = next(template for template in CATALOGUE if template.name == "constant")
    weight = next(edit.weight for edit in edits(constant, source, Failure()) if edit.text == next_one)
    assert (weight > -1.0) is likely


def test_a_choice_of_values_is_an_ingredient_and_a_condition_is_not() -> None:
    text = "def f(a, b):\n    if a and b or not (a or b):\n        g(a or b.c)\n    return a.b if a or b else b.c\n"
    source = Source(FILE, text)
    expressions = Scope(source, source.function_of(source.statements[1])).expressions
    assert [one for one in expressions if " " in one] == ["a.b if a or b else b.c", "g(a or b.c)", "a or b.c"]
