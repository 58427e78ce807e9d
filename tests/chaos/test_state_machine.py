"""Whatever a person and fixer do in turn, wherever fixer is killed: every line that the person wrote is still there."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bench import Bench, open_bench
from chaos import in_child, with_fault
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tree import Tree

from fixer.domain.errors import FixerError, TreeNeedsPerson
from fixer.infrastructure.recovery import NobodyToAsk, StandingAnswer, recover

pytestmark = pytest.mark.slow

BUGS = 4
FILES = ("calc.py", "other.py")
CALC = "".join(f"def bug{number}(x):\n    return x - {number}\n\n\n" for number in range(BUGS))


class WorkGoesOn(RuleBasedStateMachine):
    """A person at work, with fixer beside."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.tree = Tree(Path(self.folder.name) / "project").init()
        self.written: dict[str, set[str]] = {name: set() for name in FILES}
        self.staged: dict[str, set[str]] = {name: set() for name in FILES}
        self.committed: dict[str, set[str]] = {name: set() for name in FILES}
        self.interrupted = False
        self.lines = 0

    def teardown(self) -> None:
        self.folder.cleanup()

    @initialize()
    def begin(self) -> None:
        self.tree.write("calc.py", CALC)
        self.tree.write("other.py", "x = 1\n")
        self.tree.write("spare.py", "s = 1\n")
        self.tree.commit("start")

    @rule(name=st.sampled_from(FILES), at=st.integers(0, 20))
    def edit(self, name: str, at: int) -> None:
        self.lines += 1
        line = f"mine_{self.lines} = {self.lines}\n"
        lines = self.tree.read(name).splitlines(keepends=True)
        lines.insert(min(at, len(lines)), line)
        self.tree.write(name, "".join(lines))
        self.written[name].add(line)

    @rule(name=st.sampled_from(FILES))
    def stage(self, name: str) -> None:
        if (self.tree.path / ".git/index.lock").exists():
            return  # git would refuse
        self.tree.git("add", name)
        self.staged[name] = set(self.written[name])

    @rule()
    def commit(self) -> None:
        if (self.tree.path / ".git/index.lock").exists():
            return
        self.tree.git("commit", "-q", "--allow-empty", "-m", "work")
        self.committed = {name: set(lines) for name, lines in self.staged.items()}

    @precondition(lambda self: not self.interrupted)
    @rule(bug=st.integers(0, BUGS - 1), kind=st.sampled_from(["fixes", "creates", "deletes", "fails"]))
    def run(self, bug: int, kind: str) -> None:
        self.do(lambda bench: work(bench, bug, kind))

    @precondition(lambda self: not self.interrupted)
    @rule(which=st.integers(0, 3))
    def undo(self, which: int) -> None:
        self.do(lambda bench: move(bench, which, undo=True))

    @precondition(lambda self: not self.interrupted)
    @rule(which=st.integers(0, 3))
    def redo(self, which: int) -> None:
        self.do(lambda bench: move(bench, which, undo=False))

    @precondition(lambda self: not self.interrupted)
    @rule(bug=st.integers(0, BUGS - 1), kind=st.sampled_from(["fixes", "creates", "fails"]), step=st.integers(0, 20))
    def run_and_be_killed(self, bug: int, kind: str, step: int) -> None:
        self.interrupted = (
            self.child(lambda bench: with_fault(bench, lambda b: work(b, bug, kind), step, "kill")) is None
        )

    @precondition(lambda self: not self.interrupted)
    @rule(which=st.integers(0, 3), undo=st.booleans(), step=st.integers(0, 10))
    def move_and_be_killed(self, which: int, undo: bool, step: int) -> None:
        killed = self.child(lambda bench: with_fault(bench, lambda b: move(b, which, undo=undo), step, "kill"))
        self.interrupted = killed is None

    @precondition(lambda self: self.interrupted)
    @rule()
    def recover(self) -> None:
        before = self.tree.fingerprint()
        said = self.child(put_right)
        if isinstance(said, TreeNeedsPerson):
            assert self.tree.fingerprint() == before, "nothing may be touched where a person is to decide"
            said = self.child(lambda bench: recover(bench.project, bench.store, bench.landing, StandingAnswer(True)))
        assert isinstance(said, list), said
        self.interrupted = False

    @invariant()
    def every_line_is_there(self) -> None:
        for name in FILES:
            assert self.written[name] <= lines_of(self.tree.read(name)), f"lost from {name}"

    @invariant()
    def what_was_staged_and_committed_still_is(self) -> None:
        if not self.interrupted and self.lines:
            for name in FILES:
                assert self.staged[name] <= lines_of(self.tree.git("show", f":{name}")), f"lost from the index: {name}"
                assert self.committed[name] <= lines_of(self.tree.git("show", f"HEAD:{name}")), (
                    f"lost from HEAD: {name}"
                )

    def do(self, act: Callable[[Bench], str]) -> None:
        before = self.tree.fingerprint()
        refused = self.child(act)
        if isinstance(refused, FixerError):
            assert self.tree.fingerprint() == before, "a refusal changes nothing"
        else:
            assert refused == "done", refused

    def child(self, act: Callable[[Bench], Any]) -> Any:
        return in_child(lambda: act(open_bench(self.tree)))


def work(bench: Bench, bug: int, kind: str) -> str:
    """One attempt, as it would go with a model that gives this answer."""
    text = bench.tree.read("calc.py")
    edits: dict[str, str | bytes | None] = {"calc.py": text.replace(f"return x - {bug}\n", f"return x + {bug}\n")}
    if kind == "creates":
        edits[f"helper{bug}.py"] = f"h = {bug}\n"
    if kind == "deletes" and (bench.tree.path / "spare.py").exists():
        edits["spare.py"] = None
    bench.attempt(edits)
    if kind == "fails":
        bench.workspace.revert()
    else:
        bench.workspace.commit_changes("Fix it")
    return "done"


def move(bench: Bench, which: int, *, undo: bool) -> str:
    fixes = [fix for fix in bench.store.fixes() if (fix.state == "undone") is not undo]
    if fixes:
        fix = fixes[which % len(fixes)]
        bench.landing.undo(fix) if undo else bench.landing.redo(fix)
    return "done"


def put_right(bench: Bench) -> list[str]:
    return recover(bench.project, bench.store, bench.landing, NobodyToAsk())


def lines_of(text: str) -> set[str]:
    return set(text.splitlines(keepends=True))


TestWorkGoesOn = WorkGoesOn.TestCase
TestWorkGoesOn.settings = settings(
    max_examples=12,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)
