"""Each guard on the diff from both sides: what it refuses, in which words, and what it lets through."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixer.domain.models import CodeLocation, ErrorDetails, Proposal, TestError
from fixer.infrastructure.guards import ON_THE_DIFF, Candidate, DiffGuard, SizeGuard, SourceChange, Survey, SyntaxGuard

GUARDS: dict[str, type[DiffGuard]] = {guard.name: guard for guard in ON_THE_DIFF}
TEST = "def test_it():\n    assert f(7) == 42\n"


def failing(kind: str = "AssertionError", message: str = "", line: int = 0) -> TestError:
    frames = (CodeLocation(Path("/p/m.py"), line),) if line else ()
    return TestError(Path("tests/test_it.py"), "test_it", ErrorDetails(kind, message), frames=frames)


def refusal(
    name: str,
    before: str | None,
    after: str | None,
    *,
    error: TestError | None = None,
    test: str = TEST,
    path: str = "m.py",
) -> str:
    candidate = Candidate((SourceChange(path, before, after),), error or failing(), test, Survey())
    guard = GUARDS[name](lambda error, proposal: candidate)
    return guard.refuse(candidate.error, Proposal(None))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("skipped test", "import pytest; pytest.skip('no')"),
        ("skipped test", "from pytest import importorskip as need; need('x')"),
        ("skipped test", "from _pytest.outcomes import Skipped; raise Skipped()"),
        ("skipped test", "__test__ = False"),
        ("skipped test", "def pytest_collection_modifyitems(items): items.clear()"),
        ("test detection", "import _pytest"),
        ("test detection", "x = __import__('unit' + 'test')"),
        ("test detection", "import importlib; x = importlib.import_module('pytest')"),
        ("test detection", "import os; x = 'PYTEST_XDIST_WORKER' in os.environ"),
        ("test detection", "import sys as s; x = [m for m in s.modules if m]"),
        ("test detection", "import sys; x = 'test' in ' '.join(sys.argv)"),
        ("test detection", "import os; x = os.environ['GITHUB_ACTIONS']"),
        ("test detection", "from inspect import currentframe; x = currentframe()"),
        ("test detection", "x = caller == 'test_it'"),
        ("agrees with everything", "class A:\n    def __ne__(self, other): return False"),
        ("agrees with everything", "class A:\n    def __hash__(self): return 1"),
        ("agrees with everything", "class A: __class__ = int"),
        (
            "agrees with everything",
            "class A:\n    def __eq__(self, o):\n        if o: return NotImplemented\n        return True",
        ),
        ("ends the process", "import sys; sys.exit(0)"),
        ("ends the process", "raise SystemExit"),
        ("ends the process", "import os; os.execv('/bin/true', ['true'])"),
        ("ends the process", "from signal import alarm; alarm(1)"),
        ("patches other code", "import json; json.loads = None"),
        ("patches other code", "from decimal import Decimal; Decimal.__eq__ = None"),
        ("patches other code", "import sys; sys.modules['json'] = None"),
        ("patches other code", "import json; json.__dict__['loads'] = None"),
        ("patches other code", "__import__('json').loads = None"),
        ("runs text as code", "exec('x = 1')"),
        ("runs text as code", "def f(): pass\nf.__code__ = None"),
        ("silences warnings", "import warnings; warnings.filterwarnings('ignore')"),
        ("silences warnings", "import logging; logging.disable()"),
        ("new dependency", "import numpy.linalg"),
        ("new dependency", "from requests import get"),
    ],
)
def test_refused_wherever_it_is_new_and_let_through_where_it_was(name: str, line: str) -> None:
    before = "def f(n):\n    return n\n"
    assert refusal(name, before, f"{before}\n{line}\n").startswith("m.py:")
    assert refusal(name, f"{before}\n{line}\n", f"{line}\n\n\ndef f(n):\n    return n + 1\n") == ""


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("skipped test", "def skip(): pass\nskip()"),
        ("skipped test", "re.skip = 1"),
        ("test detection", '"""Run it with pytest."""'),
        ("test detection", "import sys; args = sys.argv[1:]"),
        ("test detection", "x = 'testing'"),
        ("agrees with everything", "class A:\n    def __eq__(self, other): return self.x == other.x"),
        ("agrees with everything", "class A:\n    __hash__ = None"),
        ("ends the process", "try: pass\nexcept SystemExit: raise"),
        ("ends the process", "process.kill()"),
        ("patches other code", "class A:\n    def __init__(self): self.x = 1"),
        ("patches other code", "import os; os.environ['A'] = 'b'"),
        ("runs text as code", "import re; re.compile('a')"),
        ("runs text as code", "frame.eval('x')"),
        ("silences warnings", "import warnings\nwith warnings.catch_warnings(): warnings.simplefilter('ignore')"),
        ("silences warnings", "import warnings; warnings.simplefilter('error')"),
        ("new dependency", "import tomllib, json"),
        ("new dependency", "from . import numpy"),
    ],
)
def test_what_only_looks_like_it_is_let_through(name: str, line: str) -> None:
    assert refusal(name, "x = 0\n", f"x = 0\n{line}\n") == ""


def function(*body: str) -> str:
    return "def f(n):\n" + "".join(f"    {line}\n" for line in body)


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        (("if n == 7:", "    return 42", "return n"), True),
        (("if n == 3 + 4:", "    return 42", "return n"), True),
        (("if n in (7, 8):", "    return 42", "return n"), False),
        (("return 42 if 7 == n else n",), True),
        (("return n if n != 7 else 42",), True),
        (("return {7: 42}[n]",), True),
        (("return 42",), True),
        (("if n == 7:", "    return n * 6", "return n"), False),
        (("if n == 8:", "    return 42", "return n"), False),
        (("if n == 0:", "    return 1", "return n"), False),
        (("if n is None:", "    return 42", "return n"), False),
        (("if n >= 7:", "    return 42", "return n"), False),
        (("if n != 7:", "    return 42", "return n"), False),
        (("return n * 6",), False),
        (("return n + 42 - 7",), False),
    ],
)
def test_a_value_of_the_test_that_decides_about_its_answer_is_a_special_case(
    body: tuple[str, ...], refused: bool
) -> None:
    assert bool(refusal("special case", function("return n"), function(*body))) is refused


def test_a_table_that_existed_may_grow_and_words_may_be_added_to_words() -> None:
    table = "T = {1: 2, 3: 4}\n" + function("return T.get(n)")
    assert refusal("special case", table, table.replace("3: 4", "3: 4, 7: 42")) == ""
    words = function("if n == 'a':", "    return 1")
    more = words + "    if n == 'b':\n        return 1\n"
    assert refusal("special case", words, more, test="def test_it():\n    assert f('b') == 1\n") == ""


@pytest.mark.parametrize(
    ("handler", "kind", "refused"),
    [
        ("except Exception:\n        return None", "KeyError", True),
        ("except:\n        pass", "KeyError", True),
        ("except (ValueError, BaseException):\n        n = 1", "KeyError", True),
        ("except Exception:\n        print(n)", "KeyError", False),
        ("except Exception as e:\n        raise ValueError from e", "KeyError", False),
        ("except KeyError:\n        pass", "KeyError", True),
        ("except LookupError:\n        pass", "KeyError", True),
        ("except ValueError:\n        pass", "KeyError", False),
        ("except KeyError:\n        return n", "KeyError", False),
        ("except KeyError:\n        return None", "KeyError", False),
        ("except NameError:\n        return 0", "NameError", True),
        ("except AssertionError:\n        return n", "AssertionError", False),
    ],
)
def test_handlers_have_to_do_something_about_what_they_catch(handler: str, kind: str, refused: bool) -> None:
    after = f"def f(n):\n    try:\n        return d[n]\n    {handler}\n"
    said = refusal("hidden error", function("return d[n]"), after, error=failing(kind, line=2))
    assert bool(said) is refused


def test_the_tests_own_error_may_be_let_go_where_it_does_not_come_from() -> None:
    other = ("for x in n:", "    try:", "        z(x)", "    except KeyError:", "        pass")
    after = function("return d[n]") + function(*other).replace("def f", "def g")
    assert refusal("hidden error", function("return d[n]"), after, error=failing("KeyError", line=2)) == ""


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("def a(): pass\n", "def b(): pass\n", "no longer has `a`"),
        ("A = 1\n", "", "no longer has `A`"),
        ("def _a(): pass\n", "", ""),
        ("def a(): pass\n", "from m2 import a\n", ""),
        ("import os\n", "", ""),
        ("from m2 import a\n__all__ = ['a']\n", "__all__ = ['a']\n", "no longer has `a`"),
        ("class A:\n    def b(self): pass\n", "class A:\n    pass\n", "no longer has `A.b`"),
        ("class A:\n    def _b(self): pass\n", "class A:\n    pass\n", ""),
        ("def a(x, y): pass\n", "def a(x): pass\n", "no longer takes `y`"),
        ("def a(x, y=1): pass\n", "def a(x, y): pass\n", "now requires `y`"),
        ("def a(x): pass\n", "def a(x, z): pass\n", "now requires `z`"),
        ("def a(x): pass\n", "def a(x, *, z): pass\n", "now requires `z`"),
        ("def a(x): pass\n", "def a(x, z=1, *rest): pass\n", ""),
        ("def a(x, y): pass\n", "def a(*args, **more): pass\n", ""),
        ("def a(_x): pass\n", "def a(): pass\n", ""),
    ],
)
def test_public_names_and_signatures_stay(before: str, after: str, said: str) -> None:
    found = refusal("public name", before, after)
    assert said in found if said else found == ""


def test_a_deleted_module_is_refused_and_a_misspelt_name_may_be_put_right() -> None:
    assert refusal("public name", "def a(): pass\n", None) == "m.py is deleted; keep it"
    wanted = failing("ImportError", "cannot import name 'parse_line' from 'm'")
    assert refusal("public name", "def pasre_line(): pass\n", "def parse_line(): pass\n", error=wanted) == ""
    assert refusal("public name", "def pasre_line(): pass\n", "def parse_line(): pass\n")


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        (("if n < 0:", "    raise ValueError", "return n"), ("return n",), True),
        (("assert n", "return n"), ("return n",), True),
        (("if not isinstance(n, int):", "    return 0", "return n"), ("return n",), True),
        (("if n < 0:", "    raise ValueError", "return n"), ("if n < 0:", "    pass", "return n"), True),
        (("if n < 0:", "    raise ValueError", "return n"), ("if False:", "    raise ValueError", "return n"), True),
        (("if n < 0:", "    raise ValueError", "return n"), ("if n <= 0:", "    raise ValueError", "return n"), False),
        (("if n < 0:", "    raise ValueError", "return n"), ("if n < 0:", "    return 0", "return n"), False),
        (("assert n", "return n"), ("if not n:", "    raise ValueError", "return n"), False),
        (("raise NotImplementedError",), ("return n",), False),
        (("return n",), ("assert n", "return n"), False),
    ],
)
def test_checks_stay_or_give_way_to_others(before: tuple[str, ...], after: tuple[str, ...], refused: bool) -> None:
    assert bool(refusal("removed check", function(*before), function(*after))) is refused


def test_a_way_out_is_honest_where_the_test_asks_for_it() -> None:
    test = "def test_it():\n    with raises(SystemExit):\n        f(7)\n"
    after = "import sys\n\n\n" + function("sys.exit(2)")
    assert refusal("ends the process", function("return n"), after, test=test) == ""
    kill = after.replace("sys.exit(2)", "sys.settrace(None); __import__('os')._exit(0)")
    assert refusal("ends the process", function("return n"), kill, test=test)


def test_a_variable_of_ci_is_honest_where_the_test_sets_it() -> None:
    after = "import os\n\n\n" + function("return os.environ.get('CI')")
    assert refusal("test detection", function("return n"), after)
    assert refusal("test detection", function("return n"), after, test="def test_it(m):\n    m.setenv('CI', '')") == ""


def test_a_wider_skip_in_a_test_that_may_be_edited_is_refused() -> None:
    before = "import pytest\n\n@pytest.mark.skipif(OLD, reason='a')\ndef test_it(): pass\n"
    assert refusal("skipped test", before, before.replace("OLD", "True"), path="tests/test_it.py")
    assert refusal("skipped test", before, before.replace("'a'", "'b'"), path="tests/test_it.py") == ""


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("x = 1\n", "x = (1\n", "m.py:1: SyntaxError: '(' was never closed; write the file so that it parses"),
        ("x = 1\n", "x = 2\n", ""),
        ("print 1\n", "print 2\n", ""),
        (None, "x = 2\n", ""),
        (None, "x = (2\n", "m.py:1: SyntaxError: '(' was never closed; write the file so that it parses"),
        ("x = 1\n", None, ""),
    ],
)
def test_what_could_be_parsed_still_can_and_so_can_what_is_new(
    before: str | None, after: str | None, said: str
) -> None:
    candidate = Candidate((SourceChange("m.py", before, after),), failing())
    assert SyntaxGuard(lambda error, proposal: candidate).refuse(failing(), Proposal(None)) == said


def test_size_is_counted_in_lines_and_files() -> None:
    changes = tuple(SourceChange(f"m{number}.py", "a = 1\n", "a = 2\n") for number in range(3))
    candidate = Candidate(changes, failing())

    def said(lines: int, files: int) -> str:
        return SizeGuard(lambda error, proposal: candidate, lines, files).refuse(failing(), Proposal(None))

    assert said(6, 3) == ""
    assert said(5, 3) == "it changes 6 lines, 5 are allowed; change only what removes the cause"
    assert said(6, 2) == "it changes 3 files, 2 are allowed; change only what removes the cause"


def test_code_that_only_moves_between_files_is_not_new() -> None:
    moved = "import sys\n\n\ndef f():\n    sys.exit(1)\n"
    changes = (SourceChange("a.py", moved, "from b import f\n"), SourceChange("b.py", "", moved))
    candidate = Candidate(changes, failing())
    assert GUARDS["ends the process"](lambda error, proposal: candidate).refuse(failing(), Proposal(None)) == ""


@pytest.mark.parametrize("text", ["", "\0", "(" * 5000, "def f(:\n", "x = 1\n" * 2000])
@pytest.mark.parametrize("name", GUARDS)
def test_no_text_breaks_a_guard(name: str, text: str) -> None:
    refusal(name, "x = 1\n", text)
    refusal(name, text, "x = 1\n")
