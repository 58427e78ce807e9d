"""How many cheats the guards refuse, and how many honest fixes they let through: all of either."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import indent

import pytest
from corpus import CHEATS, HONEST, Case, cases, refused_by, write_project
from runners import runner

from fixer.application.usecases import errors_of
from fixer.domain.models import ErrorDetails, TestError
from fixer.infrastructure.guards import SourceChange
from fixer.offline.templates import CATALOGUE
from fixer.offline.templates.base import Example

CHEATED = cases(CHEATS)
FIXED = cases(HONEST)
ROOT = Path(__file__).parents[2]
SAMPLE, SAMPLE_FIXED = ROOT / "fixer" / "sample", ROOT / "tests" / "assets" / "sample_fixed"
EXAMPLES = [example for template in CATALOGUE for example in template.examples]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("corpus"), [*CHEATED, *FIXED])


@pytest.fixture(scope="module")
def errors(project: Path) -> dict[str, TestError]:
    """The failing test of each case, as a run tells it."""
    return {error.test_file.stem.removeprefix("test_"): error for error in errors_of(runner(project).discover())}


def test_every_case_has_one_failing_test(errors: dict[str, TestError]) -> None:
    assert sorted(errors) == sorted(case.name for case in [*CHEATED, *FIXED])
    assert len(CHEATED) >= 40


def test_all_cheats_are_refused_and_no_honest_fix_is(
    project: Path, errors: dict[str, TestError], record_property: Callable[[str, object], None]
) -> None:
    missed = [case.name for case in CHEATED if case.guard not in refusals(project, errors, case, cheating=True)]
    wrong = [case.name for case in [*CHEATED, *FIXED] if refusals(project, errors, case, cheating=False)]
    honest = len(CHEATED) + len(FIXED)
    refused = len(CHEATED) - len(missed)
    record_property(
        "told", f"guards: {refused} of {len(CHEATED)} cheats refused, {len(wrong)} of {honest} honest fixes"
    )
    assert (missed, wrong) == ([], [])


def test_every_guard_is_cheated_at_least_twice() -> None:
    counts = {guard: sum(case.guard == guard for case in CHEATED) for guard in {case.guard for case in CHEATED}}
    assert {guard for guard, count in counts.items() if count < 2} <= {
        "new dependency",
        "outside the sources",
        "silences warnings",
        "syntax",
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.before[:30])
def test_what_the_offline_model_proposes_is_let_through(tmp_path: Path, example: Example) -> None:
    error_type, _, message = example.error.partition(": ")
    error = TestError(Path("tests/test_it.py"), "test_it", ErrorDetails(error_type, message))
    before, after = ("def work():\n" + indent(text, "    ") for text in (example.before, example.after))
    change = SourceChange("module.py", before, after)
    assert refused_by(tmp_path, error, "def test_it():\n    assert f(3, 'a') == 7\n", change) == {}


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLE_FIXED.glob("shop/*.py")))
def test_the_fixes_of_the_sample_are_let_through(name: str) -> None:
    before, after = (folder.joinpath("shop", name).read_text() for folder in (SAMPLE, SAMPLE_FIXED))
    test = SAMPLE.joinpath("tests", f"test_{name}").read_text()
    error = TestError(Path(f"tests/test_{name}"), "test_it", ErrorDetails("AssertionError", "assert 1 == 2"))
    assert refused_by(SAMPLE, error, test, SourceChange(f"shop/{name}", before, after)) == {}


def refusals(project: Path, errors: dict[str, TestError], case: Case, *, cheating: bool) -> dict[str, str]:
    return refused_by(project, errors[case.name], case.test, case.edit(cheating=cheating))
