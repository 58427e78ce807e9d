"""A fix is replayed on clean checkouts, beside whatever the tree is at; nothing of its owner's moves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bench import BUGGY, FIXED, open_bench
from command import Said, fixer, model_env
from scripted_model import ScriptedModel, edit
from tree import Tree

pytestmark = pytest.mark.slow

TEST = "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "project").init()
    tree.write("calc.py", BUGGY)
    tree.write("tests/test_calc.py", TEST)
    tree.write("conftest.py", "")
    tree.commit("start")
    return tree


def land(tree: Tree, edits: dict[str, str | bytes | None], *, commit: bool = True) -> str:
    """The id of a fix of tests/test_calc.py::test_add that makes these edits."""
    bench = open_bench(tree, commit=commit)
    return bench.land(edits).fix_id


def test_a_fix_is_verified_on_a_dirty_tree_that_stays_as_it_is(tree: Tree) -> None:
    fix = land(tree, {"calc.py": FIXED})
    head = tree.git("rev-parse", "HEAD").strip()
    tree.write("calc.py", "this is not Python\n")
    tree.write("staged.txt", "staged\n")
    tree.git("add", "staged.txt")
    tree.write("tests/test_calc.py", "def test_add():\n    assert 0\n")
    before, worktrees = tree.fingerprint(), tree.git("worktree", "list", "--porcelain")
    said = fixer(tree.path, "verify", fix, "--json")
    assert said.code == 0, said.err
    assert tree.fingerprint() == before
    assert tree.git("worktree", "list", "--porcelain") == worktrees
    parent = tree.git("rev-parse", "HEAD^").strip()
    assert {name: said.data[name] for name in ("fix", "nodeid", "verified", "reason", "parent", "commit")} == {
        "fix": fix,
        "nodeid": "tests/test_calc.py::test_add",
        "verified": True,
        "reason": "",
        "parent": parent,
        "commit": head,
    }
    assert said.data["before"]["verdict"] == "failed"
    assert said.data["before"]["error_type"] == "AssertionError"
    assert [run["verdict"] for run in said.data["after"]] == ["passed", "passed"]
    assert said.data["submodules_left_out"] == []
    text = fixer(tree.path, "verify", fix, "--confirm", "1")
    assert text.out.splitlines()[-3:] == [
        f"without it  {parent[:9]}  failed  AssertionError: assert -1 == 3",
        f"with it     {head[:9]}  passed",
        "Verified.",
    ]


def test_a_commit_that_does_not_make_the_test_pass_is_not_verified(tree: Tree) -> None:
    fix = land(tree, {"calc.py": BUGGY.replace("a - b", "a * b")})
    said = fixer(tree.path, "verify", fix)
    assert said.code == 1
    assert said.out.splitlines()[-1] == (
        "Not verified: with the fix the test does not pass: AssertionError: assert 2 == 3."
    )


def test_a_test_that_passes_without_the_fix_proves_nothing(tree: Tree) -> None:
    tree.write("calc.py", FIXED)
    tree.commit("fixed by hand")
    said = fixer(tree.path, "verify", land(tree, {"calc.py": FIXED + "# more\n"}))
    assert (said.code, said.out.splitlines()[-1]) == (1, "Not verified: the test passes without the fix, too.")


def test_a_test_that_was_never_committed_is_named(tree: Tree) -> None:
    tree.git("rm", "-q", "--cached", "tests/test_calc.py")
    tree.commit("the test is not tracked")
    tree.git("rm", "-q", "--cached", "tests/test_calc.py")
    tree.git("commit", "-q", "-m", "really")
    said = fixer(tree.path, "verify", land(tree, {"calc.py": FIXED}))
    assert said.code == 1
    assert "tests/test_calc.py is not in the commit" in said.out


def test_a_fix_without_a_commit_cannot_be_checked_out(tree: Tree) -> None:
    said = fixer(tree.path, "verify", land(tree, {"calc.py": FIXED}, commit=False))
    assert said.code == 2
    assert "has no commit" in said.err
    assert fixer(tree.path, "verify", "nonsense").code == 2


def test_a_fix_is_found_after_an_amend_and_after_an_undo(tree: Tree) -> None:
    fix = land(tree, {"calc.py": FIXED})
    tree.write("notes.txt", "n\n")
    tree.git("add", "notes.txt")
    tree.git("commit", "-q", "--amend", "--no-edit")
    assert fixer(tree.path, "verify", fix, "--json").data["commit"] == tree.git("rev-parse", "HEAD").strip()
    tree.git("reset", "-q", "--hard", "HEAD^")
    assert fixer(tree.path, "verify", fix).code == 0


def test_settings_of_the_users_index_do_not_matter(tree: Tree) -> None:
    fix = land(tree, {"calc.py": FIXED})
    for setting in ("core.splitIndex", "core.untrackedCache", "core.sparseCheckout"):
        tree.git("config", setting, "true")
    tree.write(".git/info/sparse-checkout", "/nothing\n")
    before = {path.name for path in (tree.path / ".git").iterdir()}
    said = fixer(tree.path, "verify", fix)
    assert said.code == 0, said.out
    assert {path.name for path in (tree.path / ".git").iterdir()} == before


class TestWhoseCodeRuns:
    """An editable install leads to the user's tree, where the bug, or the fix, of today is."""

    @pytest.fixture(scope="class")
    def python(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = tmp_path_factory.mktemp("venv")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        site = next(folder.glob("lib/python*/site-packages"))
        (site / "tests.pth").write_text(next(path for path in sys.path if path.endswith("site-packages")) + "\n")
        return folder / "bin/python"

    @pytest.fixture
    def packaged(self, tmp_path: Path) -> Tree:
        tree = Tree(tmp_path / "packaged").init()
        tree.write("src/shop/__init__.py", "")
        tree.write("src/shop/calc.py", BUGGY)
        tree.write("tests/test_calc.py", TEST.replace("from calc", "from shop.calc"))
        tree.write("pytest.ini", "[pytest]\n")
        tree.commit("start")
        return tree

    def verify(self, tree: Tree, python: Path, install: str) -> Said:
        """With the fix in the commit and the bug back in the tree."""
        fix = land(tree, {"src/shop/calc.py": FIXED})
        tree.write("src/shop/calc.py", BUGGY)
        site = next(python.parent.parent.glob("lib/python*/site-packages"))
        (site / "editable.pth").write_text(install.format(tree=tree.path))
        return fixer(tree.path, "verify", fix, FIXER_PYTHON=str(python))

    def test_a_path_of_an_editable_install_is_overruled(self, packaged: Tree, python: Path) -> None:
        said = self.verify(packaged, python, "{tree}/src\n")
        assert said.code == 0, said.out + said.err

    def test_a_finder_that_comes_first_is_noticed(self, packaged: Tree, python: Path) -> None:
        hook = "import sys; sys.path.insert(0, '{tree}/src'); import shop\n"
        said = self.verify(packaged, python, hook)
        assert said.code == 3
        assert f"not run: the project is installed from {packaged.path}/src/shop" in said.err

    def test_a_copy_that_is_installed_elsewhere_is_noticed(self, packaged: Tree, python: Path, tmp_path: Path) -> None:
        copy = tmp_path / "elsewhere" / "shop"
        copy.mkdir(parents=True)
        (copy / "__init__.py").write_text("")
        (copy / "calc.py").write_text(BUGGY)
        said = self.verify(packaged, python, f"import sys; sys.path.insert(0, '{copy.parent}'); import shop\n")
        assert said.code == 3
        assert f"installed from {copy}" in said.err


def test_a_run_below_the_top_is_replayed_where_it_was_and_shown_with_its_receipt(
    tmp_path: Path, scripted_model: ScriptedModel
) -> None:
    tree = Tree(tmp_path / "mono").init()
    tree.write("part/calc.py", BUGGY)
    tree.write("part/tests/test_calc.py", TEST)
    tree.write("part/pytest.ini", "[pytest]\npythonpath = .\n")
    tree.commit("start")
    scripted_model.answers(edit("part/calc.py", "    return a - b\n", "    return a + b\n"))
    ran = fixer(tree.path, "run", "--yes", "part", "--json", **model_env(scripted_model))
    assert ran.code == 0, ran.err
    said = fixer(tree.path, "verify", ran.data["tests"][0]["commit"])
    assert said.code == 0, said.out + said.err

    shown = fixer(tree.path, "show", ran.data["tests"][0]["commit"], "--json").data
    assert {name: shown[name] for name in ran.data} == ran.data
    receipt = shown["receipt"]
    assert receipt["before"]["error_type"] == "AssertionError"
    assert receipt["guards"][0] == "protected file"
    assert "module tests" in receipt["guards"]
    assert [(run["what"], run["passed"], run["failed"]) for run in receipt["runs"]][-1] == ("the selection", 1, 0)
    assert receipt["runs"][0]["what"] == "tests/test_calc.py::test_add"
    assert receipt["python"]["path"] == sys.executable
    assert (receipt["model"], receipt["temperature"], receipt["temperature_sent"]) == ("openai/scripted", 0.4, 0.4)
    assert receipt["tokens"] == {"sent": 100, "received": 20}
    text = fixer(tree.path, "show", receipt["fix"]).out
    assert "\nVerified:\n  1 passed" in text
    assert "+    return a + b" in text
