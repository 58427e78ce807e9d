"""The readers of public sets of broken programs, on checkouts as small as they can be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from bench_repair import Job, alone
from repair_judge import NEARLY, is_right
from repair_sets import SETS, Case

PROGRAM = "def paired(s):\n    def check(t):\n        return t\n    return check(s)\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for number in range(164):
        folder = tmp_path / f"datasets/humanevalpack-fix/python_{number}"
        for name, text in {
            "instruction.md": f"Mend it:\n```python\n{PROGRAM}```\n",
            "tests/full_test_script.py": f"{PROGRAM}\ndef check(f):\n    assert f(1) == 1\n    assert f(2) == 2\n\n"
            "check(paired)\n\n# Execution Trigger\n",
            "solution/solution.py": PROGRAM,
        }.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return tmp_path


def test_a_program_with_a_check_of_its_own_is_read_like_others(checkout: Path) -> None:
    case = next(SETS["humanevalfix"](checkout, "known", 0, 1000))
    assert case.functions == ("paired",)
    assert case.files["test_program.py"].count("\ndef test_") == 2


def test_the_halves_share_no_program_and_leave_none_out(checkout: Path) -> None:
    known, unseen = (
        {case.name for case in SETS["humanevalfix"](checkout, half, 0, 1000)} for half in ("known", "unseen")
    )
    assert len(known | unseen) == len(known) + len(unseen) == 164


@pytest.mark.slow
def test_one_red_test_is_asked_about_after_the_other_until_all_are_green() -> None:
    right = "def half(n):\n    return n / 2\n\n\ndef more(n):\n    return n + 1\n"
    broken = right.replace("n / 2", "n * 2").replace("n + 1", "n - 1")
    tests = "from program import *\n\n\n" + "".join(
        f"def test_{name}_{n}():\n    assert {name}({n}) == {value}\n\n\n"
        for name, n, value in (("half", 4, 2), ("half", 9, 4.5), ("more", 4, 5), ("more", 9, 10))
    )
    files = {"program.py": broken, "test_program.py": tests}
    case = Case("two", files, "program.py", "test_program.py", right, ("half", "more"))
    done = alone(Job(case, Path(sys.executable), 20.0, 0, False))
    assert (done.passes, done.right, done.answers) == (True, True, 2)


SEARCH = """\
def at(x, seq):
    for i in range(len(seq)):
        if x <= seq[i]:
            return i
    return len(seq)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after", "how"),
    [
        ("    for", "    if seq and x > seq[-1]:\n        return len(seq)\n    for", NEARLY),
        ("    for", "    seq = list(seq)\n    for", "equal on inputs"),
        ("x <= seq[i]", "x < seq[i]", "differs"),
        ("    return len(seq)", "    n = len(seq)\n    seq.clear()\n    return n", NEARLY),
    ],
)
def test_what_differs_only_for_inputs_out_of_order_or_in_what_it_leaves_is_told_apart(
    tmp_path: Path, before: str, after: str, how: str
) -> None:
    calls = (f"assert at({x}, [1, 4, 7]) == {n}" for x, n in ((0, 0), (3, 1), (5, 2), (9, 3)))
    tests = "from program import *\n" + "".join(f"def test_{n}():\n    {call}\n" for n, call in enumerate(calls))
    (tmp_path / "test_program.py").write_text(tests)
    case = Case("at", {}, "program.py", "test_program.py", SEARCH, ("at",))
    assert is_right(case, tmp_path, SEARCH.replace(before, after, 1))[1] == how


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after", "how"),
    [
        ("    for", "    if seq and x > seq[-1]:\n        return len(seq)\n    for", "equal on inputs"),
        ("x <= seq[i]", "x < seq[i]", "differs"),
        ("    return len(seq)", "    n = len(seq)\n    seq.clear()\n    return n", NEARLY),
    ],
)
def test_what_programs_that_do_what_is_asked_for_disagree_about_is_not_asked_for(
    tmp_path: Path, before: str, after: str, how: str
) -> None:
    calls = (f"assert at({x}, {seq}) == {n}" for x, seq, n in ((0, [1, 4], 0), (3, [1, 4, 7], 1), (9, [2, 2], 2)))
    tests = "from program import *\n" + "".join(f"def test_{n}():\n    {call}\n" for n, call in enumerate(calls))
    (tmp_path / "test_program.py").write_text(tests)
    by_halves = "import bisect\n\ndef at(x, seq):\n    return bisect.bisect_left(seq, x)\n"
    by_the_end = "def at(x, s):\n    return sum(y < x for y in s) if s and x <= s[-1] else len(s)\n"
    case = Case("at", {}, "program.py", "test_program.py", SEARCH, ("at",), (by_halves, by_the_end))
    assert is_right(case, tmp_path, SEARCH.replace(before, after, 1))[1] == how
