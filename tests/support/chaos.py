"""Cuts work on a tree off at every durable step, recovers as the next command would, and compares with an oracle.

A case is a state of the tree, an operation, a step, and what happens there. Whatever it is, the tree, index, branches
and stash must be, byte for byte, as before the operation or as after it.
"""

from __future__ import annotations

import errno
import os
import pickle
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from bench import BUGGY, Bench, open_bench
from tree import Tree

from fixer.infrastructure.fault_points import EVENT, reach
from fixer.infrastructure.recovery import NobodyToAsk, is_interrupted, recover

Fault = Literal["kill", "full disk", "interrupt"]
FAULTS: tuple[Fault, ...] = ("kill", "full disk", "interrupt")


@dataclass(frozen=True)
class Picture:
    """All that is the user's, without what differs from one commit of the same thing to the next."""

    files: dict[str, tuple[bytes, int]]
    status: str
    index: str
    refs: str
    history: tuple[str, ...]
    head: str
    stash: str
    locked: bool

    def difference(self, other: Picture) -> str:
        """Which parts differ."""
        return ", ".join(f.name for f in fields(self) if getattr(self, f.name) != getattr(other, f.name))


@dataclass(frozen=True)
class Loss:
    """A case that ended neither as before nor as after."""

    case: str
    what: str


class Stage:
    """One state of the tree and one operation on it, to be cut off in many ways. `folder` is its own."""

    def __init__(self, folder: Path, state: str, operation: str) -> None:
        self.name = f"{state} / {operation}"
        self._state = STATES[state]
        self._prepare, self._act = OPERATIONS[operation]
        self._stage, self._template = folder / "stage", folder / "template"
        self._stage.mkdir(parents=True)
        self._tree = self._state.make(self._stage)
        self._in_child(self._prepare)
        shutil.copytree(self._stage, self._template, symlinks=True)
        self.before = self._picture()
        begun = time.monotonic()
        self.steps: list[str] = self._in_child(_count_steps, self._act)
        self.seconds = time.monotonic() - begun
        self.after = self._picture()

    def cut_at_step(self, step: int, fault: Fault = "kill", again: int | None = None) -> Loss | None:
        """Let `fault` happen after this step, and a kill after step `again` of the recovery, where given."""
        self._reset()
        self._in_child(with_fault, self._act, step, fault)
        if again is not None:
            self._in_child(with_fault, _recover, again, "kill")
        return self._verdict(f"{self.name}: {fault} after {step} {self.steps[step]}")

    def cut_at_time(self, seconds: float) -> Loss | None:
        """Kill it so long after its beginning."""
        self._reset()
        child = _fork(lambda: self._bench_does(self._act))
        time.sleep(seconds)
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        time.sleep(0.05)  # a git of its own session may still be at work, as after a real kill
        return self._verdict(f"{self.name}: kill after {seconds * 1000:.0f} ms")

    def _verdict(self, case: str) -> Loss | None:
        left = self._in_child(_recover)
        if left is not False:
            return Loss(case, f"recovery left something open, or failed: {left!r}")
        found = self._picture()
        if found in (self.before, self.after):
            return None
        return Loss(case, f"unlike before: {found.difference(self.before)}; after: {found.difference(self.after)}")

    def _reset(self) -> None:
        shutil.rmtree(self._stage)
        shutil.copytree(self._template, self._stage, symlinks=True)

    def _in_child(self, function: Callable[..., Any], *args: Any) -> Any:
        return in_child(lambda: self._bench_does(function, *args))

    def _bench_does(self, function: Callable[..., Any], *args: Any) -> Any:
        return function(self._state.bench(self._tree, shadow=_recover not in (function, *args)), *args)

    def _picture(self) -> Picture:
        top = self._tree.path
        git_dir = self._git("rev-parse", "--absolute-git-dir").strip()
        commits = self._git("log", "--all", "--format=%x01%T %an %ae%n%B", "HEAD").split("\x01")
        return Picture(
            _files(top),
            self._git("status", "--porcelain=v2", "-z", "-uall"),
            self._git("ls-files", "--stage"),
            self._git("for-each-ref", "--format=%(refname) %(tree) %(authorname)")
            + self._git("log", "-1", "--format=%T"),
            tuple(sorted(_IDS.sub("", commit) for commit in commits)),
            self._git("symbolic-ref", "-q", "HEAD"),
            self._git("stash", "list", "--format=%H"),
            bool(git_dir) and Path(git_dir, "index.lock").exists(),
        )

    def _git(self, *args: str) -> str:
        env = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
        return subprocess.run(
            ["git", *args], cwd=self._tree.path, capture_output=True, text=True, check=False, env=env
        ).stdout


_IDS = re.compile(r"Fixer-(Fix|Run): \w+|This reverts commit \w+")


def in_child(work: Callable[[], Any]) -> Any:
    """What it returns or raises, called in a process of its own; None if that is killed."""
    reading, writing = os.pipe()
    child = _fork(lambda: os.write(writing, pickle.dumps(_answer(work))))
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return pickle.loads(answer) if answer else None


def _answer(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except BaseException as raised:  # noqa: BLE001  # the parent looks at it
        return raised


def _fork(work: Callable[[], object]) -> int:
    child = os.fork()
    if child:
        os.setpgid(child, child)  # here too, lest it is killed before it comes to do so itself
        return child
    code = 1
    try:
        os.setpgid(0, 0)
        work()
        code = 0
    finally:
        os._exit(code)


def _count_steps(bench: Bench, act: Callable[[Bench], None]) -> list[str]:
    steps: list[str] = []
    _on_steps(steps.append)
    act(bench)
    return steps


def with_fault(bench: Bench, act: Callable[[Bench], Any], step: int, fault: Fault) -> Any:
    """What the act returns, if the fault after that many steps lets it."""
    left = [step]

    def happen(name: str) -> None:
        left[0] -= 1
        if left[0] == -1:
            _FAULTS[fault]()
        elif left[0] < -1 and fault == "full disk" and name in _WRITES:
            _fill_disk()

    _on_steps(happen)
    return act(bench)


def _on_steps(hook: Callable[[str], None]) -> None:
    sys.addaudithook(lambda event, args: hook(str(args[0])) if event == EVENT else None)


def _kill() -> None:
    os.killpg(0, signal.SIGKILL)


def _fill_disk() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _interrupt() -> None:
    raise KeyboardInterrupt


_FAULTS: dict[Fault, Callable[[], None]] = {"kill": _kill, "full disk": _fill_disk, "interrupt": _interrupt}
_WRITES = ("file prepared", "objects released", "index locked", "snapshot taken")


def _recover(bench: Bench) -> bool:
    """Whether anything is left to recover after it."""
    recover(bench.project, bench.store, bench.landing, NobodyToAsk())
    return is_interrupted(bench.store)


def _files(top: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.relative_to(top).as_posix(): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
        for path in sorted(top.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(top).parts
    }


# States of the tree


@dataclass(frozen=True)
class State:
    """How a tree is made, and where fixer is called in it."""

    make: Callable[[Path], Tree]
    directory: str = ""
    commit: bool = True

    def bench(self, tree: Tree, *, shadow: bool) -> Bench:
        """As a new process would open it."""
        return open_bench(tree, commit=self.commit, directory=tree.path / self.directory, shadow=shadow)


def _start(stage: Path, calc: str = BUGGY) -> Tree:
    tree = Tree(stage / "project").init()
    shutil.rmtree(tree.path / ".git/hooks")
    tree.write("calc.py", calc)
    tree.write("other.py", "x = 1\n")
    tree.write("gone.py", "g = 1\n")
    tree.write(".gitignore", "__pycache__/\n")
    tree.commit("start")
    return tree


def _clean(stage: Path) -> Tree:
    return _start(stage)


def _edits_in_other_files(stage: Path) -> Tree:
    tree = _start(stage)
    tree.write("other.py", "x = 2\n")
    tree.write("notes.txt", "mine\n")
    return tree


def _edits_elsewhere_in_the_file(stage: Path) -> Tree:
    tree = _start(stage)
    tree.write("calc.py", BUGGY.replace("return 2", "return 22"))
    return tree


def _edits_on_touching_lines(stage: Path) -> Tree:
    tree = _start(stage)
    tree.write("calc.py", BUGGY.replace("def add(a, b):", "def add(a, b):  # mine"))
    return tree


def _edits_on_the_very_lines(stage: Path) -> Tree:
    tree = _start(stage)
    tree.write("calc.py", BUGGY.replace("a - b", "a - b  # hm"))
    return tree


def _staged_and_unstaged(stage: Path) -> Tree:
    tree = _start(stage)
    tree.write("calc.py", BUGGY.replace("return 1", "return 11"))
    tree.git("add", "calc.py")
    tree.write("calc.py", BUGGY.replace("return 1", "return 11").replace("return 2", "return 22"))
    return tree


def _staged_new_and_intent_to_add(stage: Path) -> Tree:
    tree = _start(stage)
    tree.write("new.py", "n = 1\n")
    tree.git("add", "new.py")
    tree.write("later.py", "l = 1\n")
    tree.git("add", "-N", "later.py")
    return tree


def _untracked_source(stage: Path) -> Tree:
    tree = _start(stage)
    tree.git("rm", "-q", "--cached", "calc.py")
    tree.git("commit", "-q", "-m", "untrack")
    return tree


def _deleted_files(stage: Path) -> Tree:
    tree = _start(stage)
    (tree.path / "other.py").unlink()
    tree.git("rm", "-q", "gone.py")
    tree.write("gone.py", "kept = 1\n")
    return tree


def _stash(stage: Path) -> Tree:
    tree = _start(stage)
    tree.write("other.py", "x = 3\n")
    tree.git("stash")
    tree.write("other.py", "x = 4\n")
    return tree


def _detached_head(stage: Path) -> Tree:
    tree = _edits_in_other_files(stage)
    tree.git("checkout", "-q", "--detach")
    return tree


def _crlf(stage: Path) -> Tree:
    tree = _start(stage, BUGGY.replace("\n", "\r\n"))
    tree.git("config", "core.autocrlf", "true")
    tree.write("other.py", "x = 2\r\n")
    return tree


def _no_final_newline(stage: Path) -> Tree:
    tree = _start(stage, "\ufeff" + BUGGY.rstrip("\n"))
    tree.write("calc.py", "\ufeff" + BUGGY + "mine = 1")
    return tree


def _linked_worktree(stage: Path) -> Tree:
    main = _start(stage)
    main.git("worktree", "add", "-q", "-b", "side", str(stage / "linked"))
    linked = Tree(stage / "linked")
    linked.write("other.py", "x = 2\n")
    return linked


def _subfolder(stage: Path) -> Tree:
    tree = Tree(stage / "project").init()
    tree.write("service/calc.py", BUGGY)
    tree.write("other.py", "x = 1\n")
    tree.commit("start")
    tree.write("other.py", "x = 2\n")
    return tree


def _executable_and_link(stage: Path) -> Tree:
    tree = _start(stage)
    tree.write("real/calc.py", BUGGY)
    (tree.path / "calc.py").unlink()
    (tree.path / "calc.py").symlink_to("real/calc.py")
    (tree.path / "real/calc.py").chmod(0o755)
    tree.commit("link")
    tree.write("real/calc.py", BUGGY.replace("return 2", "return 22"))
    return tree


def _unborn(stage: Path) -> Tree:
    tree = Tree(stage / "project").init()
    tree.write("calc.py", BUGGY)
    tree.git("add", "calc.py")
    tree.write("calc.py", BUGGY.replace("return 2", "return 22"))
    return tree


def _merge_going_on(stage: Path) -> Tree:
    tree = _start(stage)
    tree.git("checkout", "-q", "-b", "side")
    tree.write("other.py", "x = 5\n")
    tree.commit("side")
    tree.git("checkout", "-q", "main")
    tree.write("gone.py", "g = 2\n")
    tree.commit("main")
    tree.git("merge", "-q", "--no-commit", "side")
    return tree


def _without_git(stage: Path) -> Tree:
    tree = Tree(stage / "plain")
    tree.write("calc.py", BUGGY)
    return tree


STATES = {
    "clean": State(_clean),
    "other files": State(_edits_in_other_files),
    "elsewhere in the file": State(_edits_elsewhere_in_the_file),
    "touching lines": State(_edits_on_touching_lines),
    "the very lines": State(_edits_on_the_very_lines),
    "staged and unstaged": State(_staged_and_unstaged),
    "staged new, intent to add": State(_staged_new_and_intent_to_add),
    "untracked source": State(_untracked_source),
    "deleted files": State(_deleted_files),
    "stash": State(_stash),
    "detached": State(_detached_head),
    "crlf": State(_crlf),
    "no final newline, bom": State(_no_final_newline),
    "linked worktree": State(_linked_worktree),
    "subfolder": State(_subfolder, "service"),
    "link, executable": State(_executable_and_link),
    "unborn": State(_unborn),
    "merge going on": State(_merge_going_on),
    "without git": State(_without_git),
    "no commits wanted": State(_staged_and_unstaged, commit=False),
}


# Operations: what comes before, and what is cut off


def _attempt(bench: Bench) -> None:
    """What an engine does: it writes as no careful program would, and makes a file."""
    bench.attempt({})
    calc = bench.project.directory / "calc.py"
    text = calc.read_bytes()
    _write(bench, calc, text.replace(b"a - b", b"a + b"))
    _write(bench, bench.project.directory / "helper.py", b"h = 1\n")
    bench.workspace.finished()


def _write(bench: Bench, path: Path, text: bytes) -> None:
    assert bench.workspace.about_to_edit(path)
    path.touch()
    reach("engine made the file")
    path = path.resolve()
    bench.workspace.about_to_write(path, text)
    path.write_bytes(text[: len(text) // 2])
    reach("engine wrote half")
    path.write_bytes(text)
    reach("engine wrote")


def _fail(bench: Bench) -> None:
    calc = (bench.project.directory / "calc.py").resolve()
    before = calc.read_bytes()

    def undo_commits() -> None:
        calc.unlink()  # as git's checkout does
        reach("engine deleted")
        calc.write_bytes(before)
        reach("engine restored")

    bench.workspace.use_engine(undo_commits, lambda: "offline")
    try:
        _attempt(bench)
    finally:
        bench.workspace.revert()


def _land(bench: Bench) -> None:
    try:
        _attempt(bench)
        bench.workspace.commit_changes("Fix it")
    except BaseException:
        bench.workspace.revert()
        raise


def _land_and_go_on(bench: Bench) -> None:
    _land(bench)
    bench.tree.write("since.txt", "since\n")
    if (bench.tree.path / ".git").exists() and bench.fix().commit:
        bench.tree.git("add", "since.txt")
        bench.tree.git("commit", "-q", "-m", "since", "--", "since.txt")


def _land_and_undo(bench: Bench) -> None:
    _land(bench)
    _undo(bench)


def _undo(bench: Bench) -> None:
    bench.landing.undo(bench.fix())


def _redo(bench: Bench) -> None:
    bench.landing.redo(bench.fix())


def _nothing(bench: Bench) -> None:
    del bench


OPERATIONS: dict[str, tuple[Callable[[Bench], None], Callable[[Bench], None]]] = {
    "failed attempt": (_nothing, _fail),
    "land": (_nothing, _land),
    "undo": (_land, _undo),
    "undo below another commit": (_land_and_go_on, _undo),
    "redo": (_land_and_undo, _redo),
}
