"""Reads public sets of broken programs, from a checkout given by path, into small projects with tests.

Nothing of the sets is kept in this project. Which programs may be looked at while templates are written, and which
may not, is fixed here by their numbers.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random


@dataclass(frozen=True)
class Case:
    """A project with one broken file; `reference` is what that file should say."""

    name: str
    files: Mapping[str, str]
    broken: str
    tests: str
    reference: str
    functions: tuple[str, ...]
    """What the differential check calls."""
    accepted: tuple[str, ...] = ()
    """Other programs that do what is asked for, so that it can be told what is not."""


def quixbugs(checkout: Path, half: str, seed: int, most: int) -> Iterator[Case]:
    """QuixBugs, Python (Lin et al. 2017): all programs that have tests."""
    del half, seed
    for test in sorted((checkout / "python_testcases").glob("test_*.py"))[:most]:
        name = test.stem.removeprefix("test_")
        inputs = checkout / f"json_testcases/{name}.json"
        shared = {
            "conftest.py": (checkout / "conftest.py").read_text(),
            "python_testcases/node.py": (checkout / "python_testcases/node.py").read_text(),
            "python_testcases/load_testdata.py": (checkout / "python_testcases/load_testdata.py").read_text(),
            f"python_testcases/{test.name}": test.read_text(),
        }
        own = {f"json_testcases/{name}.json": inputs.read_text()} if inputs.exists() else {}
        broken = f"python_programs/{name}.py"
        files = {**shared, **own, broken: _without_epilogue((checkout / broken).read_text())}
        reference = _without_epilogue((checkout / f"correct_python_programs/{name}.py").read_text())
        yield Case(name, files, broken, f"python_testcases/{test.name}", reference, (name,))


def humanevalfix(checkout: Path, half: str, seed: int, most: int) -> Iterator[Case]:
    """HumanEvalFix, Python (Muennighoff et al. 2023), in the layout of the harbor mirror."""
    del seed
    wanted = [number for number in range(164) if _may_be_looked_at(number) == (half == "known")]
    for number in wanted[:most]:
        folder = checkout / f"datasets/humanevalpack-fix/python_{number}"
        context = _FENCED.search((folder / "instruction.md").read_text())
        script = (folder / "tests/full_test_script.py").read_text()
        check = script[script.rindex("\ndef check(") :].partition("# Execution Trigger")[0]
        if not context:
            raise ValueError(f"no program in {folder}")
        function = re.findall(r"^check\((\w+)\)", check, re.MULTILINE)[-1]
        files = {"program.py": context[1] + "\n", "test_program.py": _split_check(check, function)}
        reference = (folder / "solution/solution.py").read_text()
        yield Case(f"python_{number}", files, "program.py", "test_program.py", reference, (function,))


def refactory(checkout: Path, half: str, seed: int, most: int) -> Iterator[Case]:
    """Refactory (Hu et al. 2019), unpacked: `most` student programs drawn by the seed."""
    del half
    programs = sorted((checkout / "data").glob("question_*/code/wrong/*.py"))
    for program in Random(seed).sample(programs, min(most, len(programs))):
        question = program.parents[2]
        before = question / "code/global.py"
        prefix = before.read_text() + "\n" if before.exists() else ""
        asked = sorted((question / "ans").glob("input_*.txt"))
        tests = "".join(_call_test(path) for path in asked)
        files = {"program.py": prefix + program.read_text(), "test_program.py": "from program import *\n\n\n" + tests}
        reference = prefix + (question / "code/reference/reference.py").read_text()
        called = sorted({path.read_text().partition("(")[0].strip() for path in asked})
        correct = sorted((question / "code/correct").glob("*.py"))
        correct = Random(0).sample(correct, min(_MOST_ACCEPTED, len(correct)))
        accepted = tuple(prefix + path.read_text() for path in correct)
        yield Case(program.stem, files, "program.py", "test_program.py", reference, tuple(called), accepted)


SETS: Mapping[str, Callable[[Path, str, int, int], Iterator[Case]]] = {
    "quixbugs": quixbugs,
    "humanevalfix": humanevalfix,
    "refactory": refactory,
}

_MOST_ACCEPTED = 10
_FENCED = re.compile(r"```python\n(.*?)```", re.DOTALL)


def _may_be_looked_at(number: int) -> bool:
    """The rest was never read before it was measured."""
    return number % 4 == 1 or (number % 2 == 0 and number < 78)


def _without_epilogue(text: str) -> str:
    """Without the block of text after the program, which tells the answer's examples."""
    return text.rstrip() + "\n" if '\n"""' not in text else text[: text.rindex('\n"""', 0, text.rindex('"""'))] + "\n"


def _split_check(check: str, function: str) -> str:
    """One test for each assertion of the set's only test function, so that some pass and some fail."""
    (body,) = (node for node in ast.parse(check).body if isinstance(node, ast.FunctionDef))
    (parameter,) = (argument.arg for argument in body.args.args)
    head = f"from program import *\nfrom program import {function}\n\n{parameter} = {function}\n\n\n"
    setup: list[str] = []
    tests: list[str] = []
    for node in body.body:
        text = ast.unparse(node)
        if isinstance(node, ast.Assert | ast.For | ast.While | ast.If):
            tests.append("\n".join([*setup, text]))
        else:
            setup.append(text)
    return head + "".join(_test(number, text) for number, text in enumerate(tests))


def _test(number: int, body: str) -> str:
    return f"def test_{number}():\n" + "".join(f"    {line}\n" for line in body.splitlines()) + "\n\n"


def _call_test(asked: Path) -> str:
    expected = asked.with_name(asked.name.replace("input", "output")).read_text().strip()
    return f"def test_{asked.stem}():\n    assert {asked.read_text().strip()} == {expected}\n\n\n"
