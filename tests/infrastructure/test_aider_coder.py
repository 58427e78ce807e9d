"""Real Aider, on a real shadow repository, talking to a scripted provider: what it does, and what it must never do."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import pytest
from scripted_model import (
    DROPPED,
    HTML,
    NO_CHOICES,
    Answer,
    ScriptedModel,
    edit,
    edits,
    error_inside,
    failure,
    whole_file,
)

from fixer.application.budget import Budget, Caps
from fixer.application.ports import Estimate, LocalModel, Meter, RepairRequest
from fixer.domain.errors import CapReached, ProviderFailed, UsageError
from fixer.domain.models import CodeLocation, ErrorDetails, Proposal, TestError, TestResult, TestRun
from fixer.infrastructure.aider_coder import AiderCoder
from fixer.infrastructure.aider_model import EngineModel
from fixer.infrastructure.briefing import Briefing
from fixer.infrastructure.prompt_library import PromptLibrary

BUGGY = "def add(a, b):\n    return a - b\n\n\ndef twice(a):\n    return 2 * a\n"
SEARCH = "    return a - b\n"
REPLACE = "    return a + b\n"
GOOD = edit("pkg/calc.py", SEARCH, REPLACE)


class Shadow:
    """A second git directory over the tree, made with plain git."""

    def __init__(self, top: Path, git_dir: Path) -> None:
        self.top, self.git_dir = top, git_dir
        self.announced: list[Path] = []
        self.intended: dict[Path, bytes] = {}
        self.finishes = 0
        self.git("init", "-q", "-b", "fixer")
        self.git("config", "core.worktree", str(top))
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "checkpoint")

    def git(self, *args: str) -> str:
        env = {**os.environ, "GIT_DIR": str(self.git_dir), "GIT_WORK_TREE": str(self.top)}
        return subprocess.run(["git", *args], cwd=self.top, env=env, check=True, capture_output=True, text=True).stdout

    def head(self) -> str:
        return self.git("rev-parse", "HEAD").strip()

    def about_to_write(self, path: Path, text: bytes) -> None:
        self.intended[path] = text

    def about_to_edit(self, path: Path) -> bool:
        self.announced.append(path)
        return True

    def finished(self) -> None:
        self.finishes += 1


class StillRunner:
    """Runs nothing: what a traced run shows is given."""

    __test__: ClassVar[bool] = False

    def __init__(self, run: TestRun) -> None:
        self._run = run

    def discover(self) -> TestRun:
        return self._run

    def run(self, nodeids: Sequence[str], *, trace: bool = False) -> TestRun:
        del nodeids, trace
        return self._run

    def run_test_and_check(self, test_file: Path, test_function: str) -> TestResult:
        return self._run.of(f"{test_file}::{test_function}")


@dataclass
class Bench:
    """A small broken project, its failing test, and an engine to fix it."""

    top: Path
    shadow: Shadow
    provider: ScriptedModel
    error: TestError
    notices: list[str] = field(default_factory=list)
    watch: Callable[[str], None] | None = None

    def coder(
        self,
        model: str = "openai/scripted",
        timeout: float = 5,
        local: dict[str, LocalModel] | None = None,
        meter: Meter | None = None,
        edit_format: str = "",
    ) -> AiderCoder:
        executed = {self.error.nodeid: {self.top / "pkg/calc.py": frozenset({2})}}
        briefing = Briefing(StillRunner(TestRun((), executed)), PromptLibrary(), self.top)
        return AiderCoder(
            models=[model],
            shadow=self.shadow,
            briefing=briefing,
            local_models=local or {},
            notice=self.notices.append,
            model_timeout=timeout,
            meter=meter,
            edit_format=edit_format,
            watch=self.watch,
        )

    def attempt(self, *script: Answer, temperature: float = 0.4) -> Proposal:
        self.provider.answers(*script)
        self.error.start_fix_attempt(temperature)
        return self.coder().generate_fix(self.error, temperature)

    def write(self, name: str, content: str | bytes) -> None:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.shadow.git("add", "-A")
        self.shadow.git("commit", "-q", "-m", "checkpoint")

    def read(self, name: str = "pkg/calc.py") -> str:
        return (self.top / name).read_bytes().decode()

    def files(self) -> dict[str, bytes]:
        found = (path for path in self.top.parent.rglob("*") if path.is_file())
        return {
            str(path.relative_to(self.top.parent)): path.read_bytes()
            for path in found
            if self.shadow.git_dir not in path.parents
        }


@pytest.fixture
def bench(tmp_path: Path, scripted_model: ScriptedModel) -> Bench:
    top = tmp_path / "project"
    subprocess.run(["git", "init", "-q", str(top)], check=True)
    for name, text in {
        "pkg/__init__.py": "",
        "pkg/calc.py": BUGGY,
        "tests/test_calc.py": "from pkg.calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
        "conftest.py": "",
    }.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    details = ErrorDetails("AssertionError", "assert -1 == 3", "tests/test_calc.py:5: AssertionError")
    error = TestError(
        Path("tests/test_calc.py"), "test_add", details, CodeLocation(top / "tests/test_calc.py", 5), frames=()
    )
    return Bench(top, Shadow(top, tmp_path / "shadow.git"), scripted_model, error)


def test_an_edit_is_committed_in_the_shadow_and_described(bench: Bench) -> None:
    users_git = (bench.top / ".git" / "HEAD").read_bytes()
    base = bench.shadow.head()
    proposal = bench.attempt(GOOD)
    assert proposal.changes
    assert proposal.files == ("pkg/calc.py",)
    assert proposal.changes.original == BUGGY
    assert proposal.changes.modified == BUGGY.replace("a - b", "a + b")
    assert "-    return a - b\n+    return a + b\n" in proposal.changes.description
    assert bench.read() == BUGGY.replace("a - b", "a + b")
    assert bench.shadow.git("rev-parse", "HEAD^").strip() == base
    assert bench.shadow.git("status", "--porcelain") == ""
    assert bench.shadow.announced == [bench.top / "pkg/calc.py"]
    assert bench.shadow.finishes == 1
    assert (bench.top / ".git" / "HEAD").read_bytes() == users_git
    assert not (bench.top / ".git" / "index").exists()


def test_one_call_is_made_and_counted(bench: Bench) -> None:
    usage = bench.attempt(GOOD).usage
    assert len(bench.provider.requests) == 1  # no commit message, no list of models, no second opinion
    assert not bench.provider.requests[0].get("stream")
    assert (usage.model, usage.calls, usage.tokens_sent, usage.tokens_received) == ("openai/scripted", 1, 100, 20)
    assert usage.cost_usd is None
    assert usage.model_seconds > 0


def test_the_price_is_known_where_litellm_lists_it(bench: Bench) -> None:
    bench.provider.answers(GOOD)
    usage = bench.coder("gpt-4o").generate_fix(bench.error, 0.4).usage
    assert usage.cost_usd == pytest.approx(100 * 2.5e-6 + 20 * 1e-5)


def test_an_answer_that_is_watched_is_told_line_by_line_while_it_is_written(bench: Bench) -> None:
    told: list[tuple[float, str]] = []
    bench.watch = lambda line: told.append((time.monotonic(), line))
    bench.provider.answers(replace(GOOD, pace=0.1))
    proposal = bench.coder("gpt-4o").generate_fix(bench.error, 0.4)
    assert proposal.changes
    *answered, end = (line for _, line in told)
    assert answered == [f"    {line}" for line in str(GOOD.text).splitlines()]
    assert re.fullmatch(r"  gpt-4o answered in \d+\.\d s \(20 tokens\)", end)
    assert told[-1][0] - told[0][0] > 0.05 * len(answered)
    assert (proposal.usage.tokens_sent, proposal.usage.tokens_received) == (100, 20)
    assert proposal.usage.cost_usd == pytest.approx(100 * 2.5e-6 + 20 * 1e-5)


def test_a_server_that_does_not_stream_is_asked_to_no_more(bench: Bench) -> None:
    bench.watch = print
    message = {"role": "assistant", "content": "The bug is in add."}
    whole = {"object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    bench.provider.answers(Answer(body=json.dumps(whole).encode()), GOOD)
    coder = bench.coder()
    assert coder.generate_fix(bench.error, 0.4).changes
    assert [bool(request.get("stream")) for request in bench.provider.requests] == [True, False]


@pytest.mark.parametrize("temperature", [0.4, 0.5, 0.6])
def test_the_temperature_arrives(bench: Bench, temperature: float) -> None:
    usage = bench.attempt(GOOD, temperature=temperature).usage
    assert bench.provider.requests[0]["temperature"] == temperature
    assert usage.temperature == temperature


def test_a_rejected_temperature_is_left_out_from_then_on(bench: Bench) -> None:
    rejection = failure(
        400, "Unsupported value: 'temperature' does not support 0.4. Only the default (1) is supported."
    )
    bench.provider.answers(rejection, GOOD)
    coder = bench.coder()
    first = coder.generate_fix(bench.error, 0.4)
    coder.undo()
    second = coder.generate_fix(bench.error, 0.5)
    assert first
    assert second
    assert ["temperature" in request for request in bench.provider.requests] == [True, False, False]
    assert (first.usage.temperature, second.usage.temperature) == (None, None)
    assert len(bench.notices) == 1


def test_a_temperature_that_litellm_drops_is_recorded_as_not_sent(bench: Bench) -> None:
    bench.provider.answers(GOOD)
    usage = bench.coder("o3").generate_fix(bench.error, 0.4).usage
    assert "temperature" not in bench.provider.requests[0]
    assert usage.temperature is None
    assert len(bench.notices) == 1


def test_a_model_that_aider_knows_to_take_no_temperature_is_sent_none(bench: Bench) -> None:
    bench.provider.answers(GOOD)
    usage = bench.coder("o3-mini").generate_fix(bench.error, 0.4).usage
    assert "temperature" not in bench.provider.requests[0]
    assert usage.temperature is None
    assert len(bench.notices) == 1


ATTEMPT_FAILURES = [
    (Answer(""), "empty", 1),
    (Answer(None), "empty", 1),
    (NO_CHOICES, "empty", 1),
    (Answer("", "content_filter"), "withheld", 1),
    (failure(400, "Rejected as a result of our safety system", "content_policy_violation"), "withheld", 1),
    (Answer(GOOD.text, "length"), "cut off", 1),
    (Answer("The bug is in add."), "without an edit", 1),
    (Answer("pkg/calc.py\n```python\n<<<<<<< SEARCH\nx\n```\n"), "malformed edit", 3),
    (edit("pkg/calc.py", "    return a * b\n", REPLACE), "did not match", 3),
    (edit("pkg/calc.py", SEARCH, SEARCH), "changed nothing", 1),
    (Answer("late", delay=2), "timed out after 1 s", 1),
    (failure(400, "no such parameter"), "rejected the request (400): no such parameter", 1),
]


@pytest.mark.parametrize("watch", [None, print], ids=["", "watched"])
@pytest.mark.parametrize(("answer", "reason", "calls"), ATTEMPT_FAILURES, ids=[row[1] for row in ATTEMPT_FAILURES])
def test_an_attempt_that_comes_to_nothing_says_why(
    bench: Bench, answer: Answer, reason: str, calls: int, watch: Callable[[str], None] | None
) -> None:
    bench.watch = watch
    before = bench.files()
    bench.provider.answers(answer)
    proposal = bench.coder(timeout=1).generate_fix(bench.error, 0.4)
    assert not proposal
    assert reason in proposal.reason
    assert len(bench.provider.requests) == proposal.usage.calls == calls
    assert bench.files() == before


FATAL = [
    (failure(401, "Incorrect API key provided: sk-not-a-real-key-0123456789"), "unauthorised (401)", "OPENAI_API_KEY"),
    (failure(403, "no"), "forbidden (403)", "OPENAI_API_KEY"),
    (failure(404, "no such model", "model_not_found"), "model not found (404)", "openai/scripted"),
    (failure(404, "This is not a chat model"), "does not chat", "another model"),
    (Answer(status=404, body=b"<html>nginx</html>", content_type="text/html"), "a web page", "OPENAI_API_BASE"),
    (error_inside({"message": "bad key", "code": 401}), "unauthorised (401)", "OPENAI_API_KEY"),
    (failure(429, "You exceeded your current quota", "insufficient_quota"), "quota exhausted", "billing"),
    (failure(402, "Insufficient credits"), "quota exhausted", "billing"),
    (failure(429, "slow down", headers={"Retry-After": "60"}), "asks to wait for 60 s", "Wait"),
]


@pytest.mark.parametrize("watch", [None, print], ids=["", "watched"])
@pytest.mark.parametrize(("answer", "reason", "cure"), FATAL, ids=[f"{row[0].status} {row[1]}" for row in FATAL])
def test_what_every_later_call_would_meet_ends_the_run(
    bench: Bench, answer: Answer, reason: str, cure: str, watch: Callable[[str], None] | None
) -> None:
    bench.watch = watch
    with pytest.raises(ProviderFailed) as raised:
        bench.attempt(answer)
    assert reason in raised.value.message
    assert cure in raised.value.cure
    assert "0123456789" not in raised.value.message + raised.value.cure
    assert len(bench.provider.requests) == 1
    assert bench.shadow.finishes == 1


TOO_LONG = failure(400, "This model's maximum context length is 512 tokens", "context_length_exceeded")


@pytest.mark.parametrize(("answer", "size"), [(TOO_LONG, "512 tokens"), (failure(413, "too large"), "does not tell")])
def test_a_window_that_not_even_the_smallest_prompt_fits_ends_the_run(bench: Bench, answer: Answer, size: str) -> None:
    before = bench.files()
    with pytest.raises(ProviderFailed) as raised:
        bench.attempt(answer)
    assert "context window is smaller than the smallest prompt" in raised.value.message
    assert size in raised.value.message
    assert "openai/scripted" in raised.value.cure
    assert len(bench.provider.requests) <= 2
    assert bench.files() == before


def test_what_a_model_has_no_room_for_is_told_in_fewer_words_from_then_on(bench: Bench) -> None:
    bench.write("pkg/calc.py", BUGGY + "".join(f"\n\ndef f{n}(x):\n    return x + {n}\n" for n in range(60)))
    bench.error.error_details = ErrorDetails("AssertionError", "assert -1 == 3", "line of a long traceback\n" * 200)
    refusal = failure(400, "the request exceeds the available context size (2500 tokens)")
    bench.provider.answers(refusal, Answer("I do not know."), Answer("I do not know."))
    coder = bench.coder()
    assert "without an edit" in coder.generate_fix(bench.error, 0.4).reason
    assert "without an edit" in coder.generate_fix(bench.error, 0.5).reason
    first, second, third = (len(str(request["messages"])) for request in bench.provider.requests)
    assert second < first
    assert third < first
    assert len(bench.notices) == 1


def test_what_is_known_to_be_too_long_is_not_sent(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EngineModel, "room", property(lambda engine: 600))
    with pytest.raises(ProviderFailed, match="600 tokens"):
        bench.attempt(GOOD)
    assert bench.provider.requests == []


EVENT = b'data: {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "a"}}]}\n\n'


@pytest.mark.parametrize(
    "answer",
    [
        Answer(endless=b" ", delay=0.1),
        Answer(endless=b" " * 1_000_000),
        Answer(endless=EVENT, delay=0.1, content_type="text/event-stream"),
        Answer(endless=b": nothing yet\n\n", delay=0.1, content_type="text/event-stream"),
        Answer(endless=b" " * 1_000_000, content_type="text/event-stream"),
    ],
)
@pytest.mark.parametrize("watch", [None, print], ids=["", "watched"])
def test_an_answer_that_does_not_end_is_ended(
    bench: Bench, answer: Answer, watch: Callable[[str], None] | None
) -> None:
    bench.watch = watch
    started = time.monotonic()
    bench.provider.answers(answer)
    coder = bench.coder(timeout=1)
    with pytest.raises(ProviderFailed, match=r"did not end|timed out after 1 s"):
        [coder.generate_fix(bench.error, temperature) for temperature in (0.4, 0.5)]
    assert time.monotonic() - started < 20


PASSING = [
    (failure(429, "slow down"), "rate limited (429)"),
    (failure(500, "out of order"), "server error (500): out of order"),
    (failure(503, "overloaded"), "server error (503)"),
    (DROPPED, "connection dropped"),
    (HTML, "no model's answer"),
    (error_inside({"message": "upstream died", "code": 502}), "server error (502): upstream died"),
]


@pytest.mark.slow
@pytest.mark.parametrize("watch", [None, print], ids=["", "watched"])
@pytest.mark.parametrize(("answer", "reason"), PASSING, ids=[row[1] for row in PASSING])
def test_what_may_pass_is_tried_three_times_within_seconds(
    bench: Bench, answer: Answer, reason: str, watch: Callable[[str], None] | None
) -> None:
    bench.watch = watch
    started = time.monotonic()
    with pytest.raises(ProviderFailed) as raised:
        bench.attempt(answer)
    assert reason in raised.value.message
    assert len(bench.provider.requests) == (4 if watch and answer is HTML else 3)
    assert len(bench.notices) == 2
    assert time.monotonic() - started < 10


@pytest.mark.slow
def test_a_short_wait_that_the_provider_asks_for_is_granted(bench: Bench) -> None:
    started = time.monotonic()
    assert bench.attempt(failure(429, "slow down", headers={"Retry-After": "1"}), GOOD)
    assert time.monotonic() - started >= 1
    assert "1 s" in bench.notices[0]


@pytest.mark.slow
def test_a_cap_on_time_ends_the_waiting_too(bench: Bench) -> None:
    bench.provider.answers(failure(429, "slow down", headers={"Retry-After": "2"}))
    with pytest.raises(CapReached, match=r"1\.5 s"):
        bench.coder(meter=Budget(Caps(seconds=1.5))).generate_fix(bench.error, 0.4)
    assert len(bench.provider.requests) == 1


@pytest.mark.slow
def test_a_refused_connection_names_the_address(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_BASE", "http://127.0.0.1:9/v1")
    with pytest.raises(ProviderFailed) as raised:
        bench.attempt(GOOD)
    assert "connection refused" in raised.value.message
    assert "OPENAI_API_BASE (http://127.0.0.1:9/v1)" in raised.value.cure


@pytest.mark.slow
def test_the_same_time_out_twice_running_ends_the_run(bench: Bench) -> None:
    bench.provider.answers(Answer("late", delay=2))
    coder = bench.coder(timeout=0.5)
    assert not coder.generate_fix(bench.error, 0.4)
    with pytest.raises(ProviderFailed, match="timed out"):
        coder.generate_fix(bench.error, 0.5)


FORBIDDEN = [
    ("tests/test_calc.py", "def test_add():\n    assert add(1, 2) == 3\n", "def test_add():\n    pass\n"),
    ("conftest.py", "", "import os\n"),
    ("pyproject.toml", "", "[tool.pytest]\n"),
    (".git/hooks/pre-commit", "", "#!/bin/sh\n"),
    (".git/config", "", "[core]\n"),
    ("../escaped.py", "", "x = 1\n"),
    ("/tmp/fixer-escaped.py", "", "x = 1\n"),
    ("linked.py", "", "x = 1\n"),
    ("folder_link/new.py", "", "x = 1\n"),
    ("other.py", "y = 1\n", "y = 2\n"),
    ("pkg/data.json", "", "{}\n"),
    ("nowhere/new.py", "", "x = 1\n"),
    ("pkg/ignored_module.py", "", "x = 1\n"),
]


@pytest.mark.parametrize(("path", "search", "replace"), FORBIDDEN, ids=[row[0] for row in FORBIDDEN])
def test_no_other_file_is_written_whatever_the_model_says(bench: Bench, path: str, search: str, replace: str) -> None:
    (bench.top.parent / "outside").mkdir()
    (bench.top.parent / "outside" / "secret.py").write_text("")
    (bench.top / "linked.py").symlink_to(bench.top.parent / "outside" / "secret.py")
    (bench.top / "folder_link").symlink_to(bench.top.parent / "outside")
    bench.write(".gitignore", "ignored_*\n")
    bench.write("other.py", "y = 1\n")
    before = bench.files()
    proposal = bench.attempt(edit(path, search, replace))
    assert not proposal
    assert proposal.reason.startswith(f"edits refused: {path} ")
    assert bench.files() == before
    assert not Path("/tmp/fixer-escaped.py").exists()
    assert bench.shadow.git("status", "--porcelain") == ""


def test_a_refused_edit_does_not_take_the_good_one_with_it(bench: Bench) -> None:
    proposal = bench.attempt(edits(("pkg/calc.py", SEARCH, REPLACE), ("conftest.py", "", "import os\n")))
    assert proposal.files == ("pkg/calc.py",)
    assert bench.read("conftest.py") == ""


def test_a_new_module_may_be_added_to_a_package(bench: Bench) -> None:
    proposal = bench.attempt(edit("pkg/extra.py", "", "ONE = 1\n"))
    assert proposal.files == ("pkg/extra.py",)
    assert bench.read("pkg/extra.py") == "ONE = 1\n"
    assert bench.top / "pkg/extra.py" in bench.shadow.announced


def test_a_new_file_whose_edit_fails_leaves_nothing(bench: Bench) -> None:
    before = bench.files()
    assert not bench.attempt(edit("pkg/extra.py", "never there\n", "ONE = 1\n"))
    assert bench.files() == before
    assert bench.shadow.git("status", "--porcelain") == ""


@pytest.mark.parametrize(
    "text",
    [
        BUGGY.replace("\n", "\r\n"),
        BUGGY.rstrip("\n"),
        "\ufeff" + BUGGY,
        "# one\r\n" + BUGGY,
        "# -*- coding: latin-1 -*-\n# caf\xe9\n" + BUGGY,
    ],
    ids=["crlf", "no final newline", "byte order mark", "mixed", "latin-1"],
)
def test_only_the_edited_line_changes(bench: Bench, text: str) -> None:
    encoding = "latin-1" if "latin-1" in text else "utf-8"
    bench.write("pkg/calc.py", text.encode(encoding))
    assert bench.attempt(GOOD)
    expected = text.replace("a - b", "a + b").encode(encoding)
    assert (bench.top / "pkg/calc.py").read_bytes() == expected


@pytest.mark.parametrize("message", ["!touch ran", "/run touch ran", "see http://127.0.0.1:1/x and pkg/__init__.py"])
def test_a_prompt_that_looks_like_a_command_is_only_text(bench: Bench, tmp_path: Path, message: str) -> None:
    folder = tmp_path / "prompts"
    folder.mkdir()
    (folder / "first_attempt.md").write_text(f"{message}\n")
    before = bench.files()
    bench.provider.answers(Answer("I see pkg/__init__.py and tests/test_calc.py.\n```bash\ntouch ran\n```\n"))
    coder = bench.coder()
    coder._briefing._prompts = PromptLibrary(folder)
    proposal = coder.generate_fix(bench.error, 0.4)
    assert "without an edit" in proposal.reason
    assert len(bench.provider.requests) == 1
    assert message in bench.provider.prompts[0]
    assert bench.files() == before


def test_nothing_is_printed(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    bench.attempt(GOOD)
    bench.attempt(Answer(""))
    with pytest.raises(ProviderFailed):
        bench.attempt(failure(401, "see https://example.com/keys"))
    assert capfd.readouterr() == ("", "")


def test_undo_takes_back_every_commit_of_the_attempt(bench: Bench) -> None:
    base = bench.shadow.head()
    partial = edits(("pkg/calc.py", SEARCH, REPLACE), ("pkg/calc.py", "    nowhere\n", "    at all\n"))
    second = edit("pkg/calc.py", "    return 2 * a\n", "    return a + a\n")
    bench.provider.answers(partial, second)
    coder = bench.coder()
    proposal = coder.generate_fix(bench.error, 0.4)
    assert proposal
    assert proposal.usage.calls == 2
    assert len(bench.shadow.git("rev-list", f"{base}..HEAD").split()) == 2
    coder.undo()
    assert bench.shadow.head() == base
    assert bench.read() == BUGGY
    assert bench.shadow.git("status", "--porcelain") == ""


def test_the_users_git_configuration_does_not_get_in_the_way(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = tmp_path / "hooks" / "pre-commit"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    config = tmp_path / "gitconfig"
    config.write_text(
        "[commit]\ngpgSign = true\n[gpg]\nprogram = /bin/false\n[user]\nuseConfigOnly = true\n"
        f"[core]\nhooksPath = {hook.parent}\nsafecrlf = true\n[color]\nui = always\n"
        "[diff]\nexternal = /bin/false\nnoprefix = true\nmnemonicPrefix = true\n"
    )
    base = bench.shadow.head()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", str(bench.top / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    bench.provider.answers(GOOD)
    coder = bench.coder()
    proposal = coder.generate_fix(bench.error, 0.4)
    assert proposal.files == ("pkg/calc.py",)
    assert proposal.changes
    assert proposal.changes.description.startswith("diff --git a/pkg/calc.py b/pkg/calc.py\n")
    coder.undo()
    assert bench.read() == BUGGY
    assert not (tmp_path / "index").exists()
    assert bench.shadow.head() == base


def test_undo_stops_where_aider_refuses_and_never_raises(bench: Bench) -> None:
    coder = bench.coder()
    coder.undo()
    bench.provider.answers(edit("pkg/extra.py", "", "ONE = 1\n"))
    assert coder.generate_fix(bench.error, 0.4)
    coder.undo()  # Aider does not undo a commit that adds a file
    coder.undo()
    assert bench.read("pkg/extra.py") == "ONE = 1\n"


def test_failed_attempts_are_told_to_the_next_one(bench: Bench) -> None:
    coder = bench.coder()
    bench.provider.answers(edit("pkg/calc.py", SEARCH, "    return a * b\n"), GOOD)
    attempt = bench.error.start_fix_attempt(0.4)
    attempt.changes = coder.generate_fix(bench.error, 0.4).changes
    coder.undo()
    bench.error.mark_attempt_failed(attempt, "the test still fails: assert 2 == 3")
    bench.error.start_fix_attempt(0.5)
    coder.generate_fix(bench.error, 0.5)
    assert "assert 2 == 3" in bench.provider.prompts[1]
    assert "+    return a * b" in bench.provider.prompts[1]
    conversation = bench.provider.requests[1]["messages"]
    assert not any("I committed the changes" in str(message["content"]) for message in conversation)


def test_without_a_file_to_edit_nothing_is_spent(bench: Bench) -> None:
    (bench.top / "pkg/calc.py").unlink()
    (bench.top / "pkg/__init__.py").unlink()
    proposal = bench.coder().generate_fix(bench.error, 0.4)
    assert "no source file" in proposal.reason
    assert bench.provider.requests == []


def test_control_c_during_a_call_is_not_swallowed(bench: Bench) -> None:
    bench.provider.answers(Answer("late", delay=5))
    coder = bench.coder(timeout=10)
    coder.check_model()
    threading.Thread(target=_interrupt_once_asked, args=(bench.provider,)).start()
    with pytest.raises(KeyboardInterrupt):
        coder.generate_fix(bench.error, 0.4)
    assert bench.shadow.finishes == 1


def _interrupt_once_asked(provider: ScriptedModel) -> None:
    deadline = time.monotonic() + 30
    while not provider.requests and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    _interrupt_main_thread()


@dataclass
class Local:
    """A model on this machine."""

    reply: Callable[[RepairRequest], str]
    requests: list[RepairRequest] = field(default_factory=list)

    def answer(self, request: RepairRequest) -> str:
        self.requests.append(request)
        return self.reply(request)


@pytest.mark.parametrize("name", ["offline", "fixer/offline"])
def test_a_local_model_answers_through_aider_for_nothing(bench: Bench, name: str) -> None:
    local = Local(lambda request: GOOD.text or "")
    coder = bench.coder(name, local={"offline": local})
    coder.check_model()
    bench.error.start_fix_attempt(0.5)
    proposal = coder.generate_fix(bench.error, 0.5)
    assert proposal.files == ("pkg/calc.py",)
    request = local.requests[0]
    assert request.sources == (bench.top / "pkg/calc.py",)
    assert (request.error, request.attempt_number, request.temperature) == (bench.error, 1, 0.5)
    usage = proposal.usage
    assert (usage.model, usage.calls, usage.tokens_sent, usage.cost_usd) == ("fixer/offline", 1, 0, 0.0)
    assert usage.temperature == 0.5
    assert bench.provider.requests == []


def test_what_a_local_model_raises_comes_out_as_it_is(bench: Bench) -> None:
    def fail(request: RepairRequest) -> str:
        raise UsageError(f"no checker for {request.error.nodeid}")

    with pytest.raises(UsageError, match="no checker"):
        bench.coder("offline", local={"offline": Local(fail)}).generate_fix(bench.error, 0.4)


def test_a_local_model_without_an_edit_is_asked_once(bench: Bench) -> None:
    local = Local(lambda request: "I found nothing.")
    proposal = bench.coder("offline", local={"offline": local}).generate_fix(bench.error, 0.4)
    assert proposal.reason == "I found nothing."
    assert len(local.requests) == 1


def test_a_missing_key_is_named_before_anything_is_spent(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="ANTHROPIC_API_KEY") as raised:
        bench.coder("anthropic/claude-sonnet-4-5").check_model()
    assert "export ANTHROPIC_API_KEY" in raised.value.cure
    monkeypatch.setenv("OPENAI_API_KEY", "")
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        bench.coder().check_model()
    assert bench.provider.requests == []


class Heard(Budget):
    """A budget that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__(Caps())
        self.estimates: list[int] = []

    def before_call(self, estimate: Estimate) -> None:
        self.estimates.append(estimate.tokens)
        super().before_call(estimate)


def test_the_first_answer_is_guessed_and_later_ones_are_as_long_as_those_before(bench: Bench) -> None:
    meter = Heard()
    bench.provider.answers(Answer("Hm.", tokens=(100, 30)), Answer("Hm.", tokens=(100, 50)), Answer("Hm."))
    coder = bench.coder(meter=meter)
    for _ in range(3):
        coder.generate_fix(bench.error, 0.4)
    first, second, third = meter.estimates
    assert first - second == 500 - 30
    assert third - second == 40 - 30


def test_an_answer_that_holds_whole_files_is_as_long_as_they_are(bench: Bench) -> None:
    meters = Heard(), Heard()
    for meter, more in zip(meters, ("# one\n", "# a comment\n" * 100), strict=True):
        bench.write("pkg/calc.py", BUGGY + more)
        bench.provider.answers(Answer("Hm."))
        bench.coder(meter=meter, edit_format="whole").generate_fix(bench.error, 0.4)
    small, large = (meter.estimates[0] for meter in meters)
    assert large - small > 2 * 3 * 100  # sent and received, three tokens a line at the least


def test_a_cap_is_reached_to_the_token_and_not_passed(bench: Bench) -> None:
    meter = Heard()
    bench.provider.answers(Answer("Hm."))
    bench.coder(meter=meter).generate_fix(bench.error, 0.4)
    exact = meter.estimates[0]
    bench.coder(meter=Budget(Caps(tokens=exact))).generate_fix(bench.error, 0.4)
    assert len(bench.provider.requests) == 2
    with pytest.raises(CapReached, match=f"{exact:,}"):
        bench.coder(meter=Budget(Caps(tokens=exact - 1))).generate_fix(bench.error, 0.4)
    assert len(bench.provider.requests) == 2


def test_a_model_of_another_kind_is_refused_before_anything_is_sent(bench: Bench) -> None:
    with pytest.raises(UsageError, match="embedding"):
        bench.coder("openai/text-embedding-3-small").check_model()
    assert bench.provider.requests == []


@pytest.mark.parametrize("name", ["gtp-4o", "fixer/nothing"])
def test_an_unknown_model_is_a_usage_error_with_a_suggestion(bench: Bench, name: str) -> None:
    with pytest.raises(UsageError, match=name) as raised:
        bench.coder(name).check_model()
    assert "provider/model" in raised.value.cure


def test_an_ollama_server_is_asked_for_nothing_but_the_answer(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    coder = bench.coder("ollama/some-coder")
    monkeypatch.setenv("OLLAMA_API_BASE", bench.provider.base_url.removesuffix("/v1"))
    coder.check_model()
    assert bench.provider.requests == []


def test_a_model_that_aider_does_not_know_is_asked_for_search_and_replace_blocks(bench: Bench) -> None:
    bench.attempt(GOOD)
    assert "SEARCH/REPLACE" in bench.provider.requests[0]["messages"][0]["content"]


def test_whole_files_are_taken_from_a_model_that_aider_knows_to_write_them(bench: Bench) -> None:
    bench.provider.answers(whole_file("pkg/calc.py", BUGGY.replace("a - b", "a + b")))
    proposal = bench.coder("gpt-3.5-turbo").generate_fix(bench.error, 0.4)
    assert proposal.files == ("pkg/calc.py",)


@pytest.mark.parametrize("name", ["edit_calc.py", "Edit: pkg/calc.py", "Here is the fix", "src/new.py"])
def test_a_file_written_out_under_another_name_is_the_one_that_defines_the_same(bench: Bench, name: str) -> None:
    before = bench.files().keys()
    bench.provider.answers(whole_file(name, BUGGY.replace(SEARCH, REPLACE)))
    assert bench.coder(edit_format="whole").generate_fix(bench.error, 0.4).files == ("pkg/calc.py",)
    assert bench.read() == BUGGY.replace(SEARCH, REPLACE)
    assert bench.files().keys() == before


def test_a_new_module_that_is_written_out_stays_one(bench: Bench) -> None:
    bench.provider.answers(whole_file("pkg/more.py", "def helper():\n    return 1\n"))
    assert bench.coder(edit_format="whole").generate_fix(bench.error, 0.4).files == ("pkg/more.py",)
    assert bench.read() == BUGGY


def test_importing_the_adapter_imports_no_engine() -> None:
    code = "import sys, fixer.infrastructure.aider_coder; print(sorted({'aider','litellm','git'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_the_engine_takes_no_address_from_the_repository_and_leaves_nothing_at_home(
    bench: Bench, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (bench.top / ".env").write_text("OPENAI_API_BASE=http://127.0.0.1:9/v1\nEVIL=1\n")
    code = (
        "import os\n"
        "from fixer.infrastructure.aider_coder import AiderCoder\n"
        "from fixer.infrastructure.briefing import Briefing\n"
        "coder = AiderCoder(models=['gpt-4o'], shadow=None, briefing=None, local_models={}, notice=print)\n"
        "coder.prefetch(); coder.check_model()\n"
        "print(os.environ.get('OPENAI_API_BASE'), os.environ.get('EVIL'))\n"
    )
    env = {**os.environ, "HOME": str(home), "OPENAI_API_KEY": "sk-nothing", "PYTHONPATH": str(Path.cwd())}
    env.pop("OPENAI_API_BASE")
    done = subprocess.run([sys.executable, "-c", code], cwd=bench.top, env=env, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("None None\n", "")
    assert list(home.rglob("*")) == []


def _interrupt_main_thread() -> None:
    main = threading.main_thread().ident
    assert main
    signal.pthread_kill(main, signal.SIGINT)
