"""The readers of public sets of broken programs, on checkouts as small as they can be."""

from __future__ import annotations

from pathlib import Path

import pytest
from repair_sets import SETS

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
