"""The offline model end to end: small broken projects, real pytest, and Aider's own parser for the answer."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixer.application.ports import RepairRequest
from fixer.domain.models import TestError, TestResult, TestRun
from fixer.infrastructure.candidate_checker import ForkChecker
from fixer.infrastructure.pytest_runner import PytestRunner
from fixer.offline.model import OfflineModel

PYTHON = Path(sys.executable)
TEST = "test_app.py::test_it"


@dataclass(frozen=True)
class Broken:
    """A program, what its test asserts, and the line that is right."""

    program: str
    test: str
    right: str


BROKEN = {
    "off by one": Broken(
        "def total(numbers):\n    result = 0\n    for i in range(len(numbers) - 1):\n        result += numbers[i]\n"
        "    return result\n",
        "assert app.total([1, 2, 3]) == 6",
        "for i in range(len(numbers)):",
    ),
    "wrong operator": Broken(
        "def is_adult(age):\n    return age > 18\n",
        "assert app.is_adult(18) and app.is_adult(19) and not app.is_adult(17)",
        "return age >= 18",
    ),
    "wrong name": Broken(
        "def area(width, height):\n    return width * width\n",
        "assert app.area(2, 3) == 6 and app.area(5, 1) == 5",
        "return width * height|return height * width",
    ),
    "missing return": Broken(
        "def double(x):\n    result = x * 2\n",
        "assert app.double(4) == 8",
        "return result",
    ),
    "nothing there": Broken(
        "def first_word(text):\n    words = text.split()\n    return words[0]\n",
        "assert app.first_word('a b') == 'a' and app.first_word('') is None",
        "return None|else None",
    ),
    "misspelt name": Broken(
        "def greet(name):\n    message = 'Hi ' + nmae\n    return message\n",
        "assert app.greet('Ann') == 'Hi Ann'",
        "'Hi ' + name",
    ),
    "missing import": Broken(
        "def area(radius):\n    return math.pi * radius ** 2\n",
        "assert 3.1 < app.area(1) < 3.2",
        "import math",
    ),
    "misspelt at import": Broken(
        "SIZES = [1, 2]\nLARGEST = max(SIZE)\n",
        "assert app.LARGEST == 2",
        "LARGEST = max(SIZES)",
    ),
    "swapped arguments": Broken(
        "def power(base, exponent):\n    return pow(exponent, base)\n",
        "assert app.power(2, 5) == 32 and app.power(5, 2) == 25",
        "pow(base, exponent)",
    ),
    "endless loop": Broken(
        "def count_down(n):\n    steps = 0\n    while n != 0:\n        n += 1\n        steps += 1\n    return steps\n",
        "assert app.count_down(3) == 3",
        "n -= 1",
    ),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


@pytest.fixture
def runner(project: Path) -> PytestRunner:
    return PytestRunner(PYTHON, project, test_timeout=3)


@pytest.fixture
def model(project: Path, runner: PytestRunner) -> Iterator[OfflineModel]:
    with ForkChecker(python=PYTHON, project=project, rootdir=lambda: project, test_timeout=3) as checker:
        yield OfflineModel(
            checker=checker,
            top=project,
            module_ids=lambda nodeid: [TEST, "test_app.py::test_other"],
            progress=lambda text: None,
            budget_seconds=20,
        )


def request_for(project: Path, runner: PytestRunner, broken: Broken, attempt: int = 1) -> RepairRequest:
    (project / "app.py").write_text(broken.program)
    (project / "test_app.py").write_text(
        f"import app\n\n\ndef test_it():\n    {broken.test}\n\n\ndef test_other():\n    assert True\n"
    )
    run = runner.run([TEST, "test_app.py::test_other"], trace=True)
    return RepairRequest(error_of(run), attempt, 0.4, (project / "app.py",), run)


def error_of(run: TestRun) -> TestError:
    failed: TestResult = next(result for result in run.results if result.details)
    assert failed.details
    file, _, function = failed.nodeid.partition("::")
    return TestError(Path(file), function, failed.details, failed.location, failed.frames)


def applied(answer: str, project: Path) -> str:
    """The file as Aider would leave it."""
    from aider.coders.editblock_coder import do_replace, find_original_update_blocks

    ((name, before, after),) = find_original_update_blocks(answer, valid_fnames=["app.py"])
    assert name == "app.py"
    path = project / name
    return str(do_replace(str(path), path.read_text(), before, after, ("```", "```")))


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_a_small_mistake_is_mended(name: str, project: Path, runner: PytestRunner, model: OfflineModel) -> None:
    broken = BROKEN[name]
    answer = model.answer(request_for(project, runner, broken))
    changed = applied(answer, project)
    assert "Confidence " in answer
    (project / "app.py").write_text(changed)
    assert runner.run_test_and_check(Path("test_app.py"), "test_it")
    assert any(right in changed for right in broken.right.split("|")), answer


@pytest.mark.slow
def test_what_cannot_be_found_is_said(project: Path, runner: PytestRunner, model: OfflineModel) -> None:
    broken = Broken("def answer():\n    return 1\n", "assert app.answer() == 'a long story'", "")
    answer = model.answer(request_for(project, runner, broken))
    assert answer.startswith("No fix found: ")
    assert "best place app.py:2" in answer
    assert "SEARCH" not in answer


@pytest.mark.slow
def test_the_next_attempt_does_not_answer_the_same_again(
    project: Path, runner: PytestRunner, model: OfflineModel
) -> None:
    broken = Broken("def same(a, b):\n    return a\n", "assert app.same(2, 4) == 4", "")
    request = request_for(project, runner, broken)
    first = applied(model.answer(request), project)
    second = applied(model.answer(RepairRequest(request.error, 2, 0.5, request.sources, request.evidence)), project)
    assert first != second
