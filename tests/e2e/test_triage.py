"""Nothing is paid for what no model can mend, one fix is paid for one cause, and what is impossible is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import fixer, model_env
from scripted_model import Answer, ScriptedModel, edit, edits
from tree import Tree

pytestmark = pytest.mark.slow

CALC = "def add(a, b):\n    return a - b\n\n\ndef half(n):\n    return n / 2\n"
RIGHT = edit("calc.py", "    return a - b\n", "    return a + b\n")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "project").init()
    tree.write("calc.py", CALC)
    tree.write("conftest.py", "")
    return tree


def test_two_hundred_tests_red_from_one_bug_cost_one_request_and_few_runs(
    tree: Tree, scripted_model: ScriptedModel
) -> None:
    tree.write("calc.py", "def add(a, b):\n    return a + b.value\n")
    runs = tree.path.parent / "runs"
    tree.write("conftest.py", f"open({str(runs)!r}, 'a').write('run\\n')\n")
    for module in range(4):
        body = "".join(f"def test_{n}(): assert add({n}, 1) == {n + 1}\n" for n in range(50))
        tree.write(f"tests/test_{module}.py", f"from calc import add\n{body}")
    tree.commit()
    scripted_model.answers(edit("calc.py", "    return a + b.value\n", "    return a + b\n"))
    said = fixer(tree.path, "run", "--yes", "--json", **model_env(scripted_model))
    assert said.code == 0, said.err
    assert len(scripted_model.requests) == 1
    tests = said.data["tests"]
    assert {test["status"] for test in tests} == {"fixed"}
    assert sum(test["fixed_by"] == "tests/test_0.py::test_0" for test in tests) == 199
    # Everything, all red ones, the first alone, its module traced for the model, once to fork from for the module, the
    # first twice, once to fork from for all red ones, which pass, and are therefore run, everything.
    assert runs.read_text().count("run") <= 10


def test_what_stays_red_for_one_cause_is_paid_for_once(tree: Tree, scripted_model: ScriptedModel) -> None:
    tree.write("calc.py", "def add(a, b):\n    return a + b.value\n")
    body = "".join(f"def test_{n}(): assert add({n}, 1) == {n + 1}\n" for n in range(5))
    tree.write("test_calc.py", f"from calc import add\n{body}")
    tree.commit()
    scripted_model.answers(Answer("I do not know."))
    said = fixer(tree.path, "run", "--yes", "--json", "--attempts", "2", **model_env(scripted_model))
    assert said.code == 1
    assert len(scripted_model.requests) == 2
    first, *others = said.data["tests"]
    assert (len(first["attempts"]), [test["attempts"] for test in others]) == (2, [[]] * 4)
    assert {test["diagnosis"]["kind"] for test in others} == {"same cause"}
    assert "4 tests: same cause: not tried" in said.err
    named = fixer(tree.path, "run", "--yes", "--attempts", "1", "test_calc.py::test_3", **model_env(scripted_model))
    assert named.code == 1
    assert len(scripted_model.requests) == 3


GHOSTS = """\
import itertools, os, pathlib

import pytest

COUNT = pathlib.Path(os.environ["FIXER_TEST_COUNT"])
STATE = []


def test_leaves_something_behind():
    STATE.append(1)


def test_depends_on_the_order():
    assert not STATE


def test_passes_every_other_time():
    runs = COUNT.read_text() if COUNT.exists() else ""
    COUNT.write_text(runs + "x")
    assert len(runs) % 2
"""
LACKING = """\
import socket, subprocess


def test_no_server():
    socket.create_connection(("127.0.0.1", 9))


def test_no_program():
    subprocess.run(["no-such-program-anywhere"])


def test_no_plugin(benchmark_weave_of_nobody, httpx_mock):
    pass


def test_near_miss(tmp_pth):
    pass


def test_forbidden():
    raise PermissionError(13, "Permission denied", "/etc/shadow")
"""


def test_ghosts_and_what_the_machine_lacks_are_told_and_not_paid_for(tree: Tree, scripted_model: ScriptedModel) -> None:
    tree.write("test_ghosts.py", GHOSTS.replace("FIXER_TEST_COUNT", "GHOST_COUNT"))
    tree.write("test_lacking.py", LACKING.replace("benchmark_weave_of_nobody, ", ""))
    tree.write("test_module.py", "import numpyish_package_of_nobody\n\n\ndef test_it():\n    pass\n")
    tree.commit()
    before = tree.fingerprint()
    count = {"GHOST_COUNT": str(tree.path.parent / "count")}
    said = fixer(tree.path, "run", "--yes", "--json", **count, **model_env(scripted_model))
    assert said.code == 1, said.err
    assert scripted_model.requests == []
    assert tree.fingerprint() == before
    tests = {test["nodeid"].partition("::")[2] or test["nodeid"]: test for test in said.data["tests"]}
    assert {name: (test["status"], test["diagnosis"]["kind"]) for name, test in tests.items()} == {
        "test_depends_on_the_order": ("flaky", "order-dependent"),
        "test_passes_every_other_time": ("flaky", "flaky"),
        "test_no_server": ("environment", "environment"),
        "test_no_program": ("environment", "environment"),
        "test_no_plugin": ("environment", "environment"),
        "test_near_miss": ("unfixed", "test at fault"),
        "test_forbidden": ("environment", "environment"),
        "test_module.py": ("environment", "environment"),
    }
    assert tests["test_depends_on_the_order"]["message"].startswith("passes alone 3 of 3, fails after the others\n")
    assert "did it mean tmp_path?" in tests["test_near_miss"]["message"]
    assert tests["test_module.py"]["diagnosis"]["cure"].endswith("-m pip install numpyish_package_of_nobody")


def test_a_conftest_that_cannot_be_imported_is_fixed_and_what_it_hid_in_its_turn(
    tree: Tree, scripted_model: ScriptedModel
) -> None:
    tree.write("calc.py", "import jsn\n\n\ndef add(a, b):\n    return a - b\n")
    tree.write("conftest.py", "import calc\n")
    for name in "ab":
        tree.write(f"test_{name}.py", "from calc import add\n\n\ndef test_add():\n    assert add(1, 1) == 2\n")
    tree.commit()
    scripted_model.answers(edit("calc.py", "import jsn\n", "import json\n"), RIGHT)
    said = fixer(tree.path, "run", "--yes", "--json", **model_env(scripted_model))
    assert said.code == 0, said.err
    assert len(scripted_model.requests) == 2
    assert [(test["nodeid"], test["fixed_by"]) for test in said.data["tests"]] == [
        ("conftest.py", None),
        ("test_a.py::test_add", None),
        ("test_b.py::test_add", "test_a.py::test_add"),
    ]


IMPOSSIBLE = """\
import pathlib, random

import pytest

import calc


def test_that_claims_one():
    assert calc.half(4) == 1


def test_that_claims_two():
    assert calc.half(4) == 2


def test_contradicts_itself():
    assert calc.add(1, 1) == 2 and calc.add(1, 1) == 3


def test_false():
    assert False


def test_misreads_the_specification():
    assert sorted([3, 1, 2]) == [3, 2, 1]


def test_of_a_file_that_nobody_wrote():
    assert pathlib.Path("no/such/file.txt").read_text()


def test_is_broken_itself():
    assert undefined_name == calc.add(1, 1)


def test_almost_never_lucky():
    assert random.random() < 1e-12


def test_expects_an_error_that_nothing_raises():
    with pytest.raises(ZeroDivisionError):
        pass


def test_wants_more_than_there_is():
    value = calc.add(1, 1)
    assert value > value


@pytest.mark.parametrize("wanted", [0, 1])
def test_wants_both(wanted):
    assert calc.parity(3) == wanted


def test_calls_it_wrongly():
    assert calc.add(1) == 1
"""


def test_what_is_impossible_ends_unfixed_with_the_evidence_and_an_untouched_tree(
    tree: Tree, scripted_model: ScriptedModel
) -> None:
    sound = (
        "def add(a, b):\n    return a + b\n\n\ndef half(n):\n    return n / 2\n\n\ndef parity(n):\n    return n % 2\n"
    )
    tree.write("calc.py", sound)
    tree.write("test_impossible.py", IMPOSSIBLE)
    tree.commit()
    before = tree.fingerprint()
    tricks = [
        edit("calc.py", "    return n / 2\n", "    return n / 4\n"),
        edit("calc.py", "    return a + b\n", "    return a + b + 1\n"),
        edits(("calc.py", "    return n / 2\n", "    return 1\n"), ("calc.py", "    return n % 2\n", "    return 0\n")),
    ]
    scripted_model.answers(*tricks * 12)
    said = fixer(tree.path, "run", "--yes", "--json", "--attempts", "2", **model_env(scripted_model))
    assert said.code == 1, said.err
    assert tree.fingerprint() == before
    tests = {test["nodeid"].partition("::")[2]: test for test in said.data["tests"]}
    assert len(tests) == 11
    assert {test["status"] for test in tests.values()} == {"unfixed"}
    assert all(attempt["reason"] for test in tests.values() for attempt in test["attempts"])
    assert "broke test_impossible.py::test_that_claims_two" in tests["test_that_claims_one"]["attempts"][0]["reason"]
    shown = fixer(tree.path, "show", "test_impossible.py::test_that_claims_one").out
    assert "+    return n / 4\n" in shown
    assert "broke" in shown
    assert "test_impossible.py::test_that_claims_two" in shown
    assert "calc.py +1 -1; " in fixer(tree.path, "show", said.data["run"]).out


def test_two_red_tests_that_demand_opposite_things_are_not_both_fixed(
    tree: Tree, scripted_model: ScriptedModel
) -> None:
    tree.write("test_one.py", "from calc import add\n\n\ndef test_one():\n    assert add(1, 1) == 1\n")
    tree.write("test_two.py", "from calc import add\n\n\ndef test_two():\n    assert add(1, 1) == 2\n")
    tree.commit()
    one = edit("calc.py", "    return a - b\n", "    return a * b\n")
    scripted_model.answers(one, edit("calc.py", "    return a * b\n", "    return a + b\n"))
    said = fixer(tree.path, "run", "--yes", "--json", "--attempts", "1", **model_env(scripted_model))
    assert said.code == 1, said.err
    first, second = said.data["tests"]
    assert (first["status"], second["status"]) == ("fixed", "unfixed")
    assert "broke" in second["attempts"][0]["reason"]
    assert "test_one.py::test_one" in second["attempts"][0]["reason"]
    assert "a * b" in tree.read("calc.py")


@pytest.mark.parametrize("warm", ["false", "true"])
def test_a_fix_that_holds_only_the_first_time_is_none(tree: Tree, scripted_model: ScriptedModel, warm: str) -> None:
    tree.write("test_calc.py", "from calc import add\n\n\ndef test_add():\n    assert add(1, 1) == 2\n")
    tree.commit()
    before = tree.fingerprint()
    once = (
        "    import os, pathlib\n    seen = pathlib.Path(os.environ['SEEN'])\n"
        "    if seen.exists():\n        return 0\n    seen.touch()\n    return a + b\n"
    )
    scripted_model.answers(edit("calc.py", "    return a - b\n", once))
    env = {"SEEN": str(tree.path.parent / "seen"), "FIXER_WARM": warm, **model_env(scripted_model)}
    said = fixer(tree.path, "run", "--yes", "--json", "--attempts", "1", **env)
    assert said.code == 1, said.err
    assert said.data["tests"][0]["attempts"][0]["reason"].endswith("(after it had passed 1 of 2 runs)")
    assert tree.fingerprint() == before
