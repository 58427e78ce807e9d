"""What each rung sends, word for word: a change of it has to be read, and approved, in tests/assets/approved.

`APPROVE=1 pytest` on this file writes the texts anew.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fixer.domain.ladder import Rung
from fixer.domain.models import CodeChanges, CodeLocation, ErrorDetails, TestError, TestResult, TestRun, Verdict
from fixer.infrastructure.briefing import Brief, Briefing
from fixer.infrastructure.prompt_library import PromptLibrary

APPROVED = Path(__file__).parents[1] / "assets" / "approved"
FILLER = "".join(f"\n\ndef unused_{number}(x):\n    return [x + {number}] * {number}\n" for number in range(250))
SHOP = (
    "import math\n\nfrom shop.tax import rate\n\n\nclass Basket:\n    def __init__(self, items):\n"
    "        self.items = items\n\n    def total(self):\n        return self.net() + rate(self.net())\n\n"
    "    def net(self):\n        return sum(self.items)\n"
)
TAX = 'def rate(net):\n    """The tax on a net price.\n\n    More of it.\n    """\n    return net * 19\n'
TEST = (
    "import pytest\n\nfrom shop.basket import Basket\n\n\ndef test_total(prices):\n    basket = Basket(prices)\n"
    "    assert basket.total() == pytest.approx(119)\n\n\ndef test_net():\n    assert Basket([1]).net() == 1\n"
)
CONFTEST = (
    "import pytest\n\n\n@pytest.fixture\ndef prices():\n    return [40, 60]\n\n\n"
    "@pytest.fixture\ndef other():\n    return 1\n"
)
NODEID = "tests/test_basket.py::test_total"


@pytest.fixture
def top(tmp_path: Path) -> Path:
    files = {
        "shop/__init__.py": "",
        "shop/basket.py": SHOP + FILLER,
        "shop/tax.py": TAX,
        "tests/test_basket.py": TEST,
        "conftest.py": CONFTEST,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


class Shown:
    """A runner that has seen the two tests of the project once."""

    __test__ = False

    def __init__(self, top: Path) -> None:
        details = ErrorDetails("AssertionError", "assert 2000 == 119", "with locals:\nbasket = <Basket>")
        red = {top / "shop/basket.py": frozenset({7, 8, 11, 14}), top / "shop/tax.py": frozenset({6})}
        green = {top / "shop/basket.py": frozenset({8, 14})}
        results = (
            TestResult(NODEID, Verdict.FAILED, details=details),
            TestResult("tests/test_basket.py::test_net", Verdict.PASSED),
        )
        self._run = TestRun(results, {NODEID: red, "tests/test_basket.py::test_net": green})

    def discover(self) -> TestRun:
        return self._run

    def run(self, nodeids: object, *, trace: bool = False) -> TestRun:
        del nodeids, trace
        return self._run

    def run_test_and_check(self, test_file: Path, test_function: str) -> TestResult:
        return self._run.of(f"{test_file}::{test_function}")


def an_error(top: Path, attempts: int = 0) -> TestError:
    details = ErrorDetails(
        "AssertionError", "assert 2000 == 119\n  +1900", "tests/test_basket.py:8: AssertionError", "hi"
    )
    frame = CodeLocation(top / "tests/test_basket.py", 8)
    error = TestError(Path("tests/test_basket.py"), "test_total", details, frame, (frame,))
    for number in range(attempts):
        attempt = error.start_fix_attempt(0.4, Rung("m"))
        attempt.changes = CodeChanges("", "", f"-    return net * 19\n+    return net * {number}\n")
        error.mark_attempt_failed(attempt, f"the test still fails: AssertionError: assert {number} == 119")
    return error


def words(brief: Brief, top: Path) -> str:
    files = [
        f"==== {path.relative_to(top).as_posix()}\n{brief.shown.get(path) or path.read_text()}"
        for path in brief.editable
    ]
    context = [f"==== to read: {path.relative_to(top).as_posix()}" for path in brief.read_only]
    return re.sub(r"\n{3,}", "\n\n", brief.prompt) + "\n" + "\n".join([*files, *context]) + "\n"


def approve(name: str, text: str) -> None:
    path = APPROVED / f"{name}.txt"
    if os.environ.get("APPROVE"):
        path.write_text(text)
    assert text == path.read_text()


@pytest.fixture
def brief(top: Path) -> Callable[..., Brief]:
    def prepare(level: int, attempts: int = 0, *, continued: bool = False, budget: int = 8_000) -> Brief:
        briefing = Briefing(Shown(top), PromptLibrary(), top, budget, history=lambda file, first, last: "abc1 a commit")
        return briefing.prepare(an_error(top, attempts), level, continued=continued)

    return prepare


@pytest.mark.parametrize(
    ("name", "level", "attempts", "continued"),
    [("rung_1", 1, 0, False), ("rung_2", 2, 1, True), ("rung_3", 3, 2, False)],
)
def test_a_rung_sends_what_was_approved(
    brief: Callable[..., Brief], top: Path, name: str, level: int, attempts: int, continued: bool
) -> None:
    approve(name, words(brief(level, attempts, continued=continued), top))


def test_a_wider_level_tells_more(brief: Callable[..., Brief], top: Path) -> None:
    sizes = [len(words(brief(level), top)) for level in (1, 2, 3, 4)]
    assert sizes == sorted(set(sizes))


def test_the_first_level_shows_whole_functions_of_a_large_file(brief: Callable[..., Brief], top: Path) -> None:
    shown = brief(1).shown[top / "shop/basket.py"]
    assert "unused_7" not in shown
    assert "class Basket:\n" in shown
    kept = "".join(line for line in shown.splitlines(keepends=True) if not line.startswith("[..."))
    for block in re.split(r"\[\.\.\. \d+ lines not shown \.\.\.\]\n", shown):
        assert block in SHOP + FILLER
    compile(kept, "shown", "exec")


def test_whole_files_are_sent_at_the_widest_level(brief: Callable[..., Brief], top: Path) -> None:
    assert brief(4).shown == {}
    assert top / "tests/test_basket.py" in brief(4).read_only


@pytest.mark.parametrize("budget", [1_500, 2_000, 4_000, 8_000])
def test_no_level_exceeds_its_budget(brief: Callable[..., Brief], top: Path, budget: int) -> None:
    for level in (1, 2, 3):
        assert len(words(brief(level, budget=budget), top)) / 4 <= budget


def test_what_a_guard_refused_is_named_and_not_shown(top: Path) -> None:
    error = an_error(top, 1)
    error.fix_attempts[0].refused_by = "special case"
    prompt = Briefing(Shown(top), PromptLibrary(), top).prepare(error, 3).prompt
    assert "return net * 0" not in prompt


def test_the_history_of_the_lines_is_git_s(top: Path) -> None:
    from fixer.infrastructure.commit_history import recent_commits

    for words_ in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Charge the tax"]):
        subprocess.run(["git", *words_], cwd=top, check=True)
    assert "Charge the tax" in recent_commits(top, top / "shop/tax.py", 1, 3)
    assert recent_commits(top, top / "new.py", 1, 3) == ""
