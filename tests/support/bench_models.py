"""Holds `fixer run` against plain `aider --message`: the same broken projects, model and number of rounds.

A proxy on loopback stands between both and the model's server and counts what goes through. *green*: the seen tests,
put back as they were, pass in a fresh pytest. *right*: a test that neither has seen passes too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError

from small_projects import SMALL_PROJECTS, SmallProject

CALL_SECONDS = 900


@dataclass
class Traffic:
    """What went through the proxy."""

    calls: int = 0
    sent: int = 0
    received: int = 0


@dataclass(frozen=True)
class Outcome:
    """What came of one project. Seconds are wall time, tokens as the server counts them."""

    project: str
    tool: str
    green: bool
    right: bool
    calls: int
    sent: int
    received: int
    seconds: float


@dataclass(frozen=True)
class Plan:
    """What is held against each other, and with what."""

    model: str
    base: str
    attempts: int
    names: frozenset[str] = field(default_factory=frozenset)


def main(argv: Sequence[str]) -> int:
    """Print the table, and write JSON where asked."""
    asked = _arguments(argv)
    plan = Plan(asked.model, asked.base_url.rstrip("/"), asked.attempts, frozenset(asked.only))
    outcomes: list[Outcome] = []
    for project in SMALL_PROJECTS:
        if not plan.names or project.name in plan.names:
            for tool, work in TOOLS.items():
                outcomes.append(measure(plan, project, tool, work))
                print(_row(outcomes[-1]), flush=True)
    print(table(outcomes))
    if asked.json:
        asked.json.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=2) + "\n")
    return 0


def measure(plan: Plan, project: SmallProject, tool: str, work: Callable[[Plan, SmallProject, Path], None]) -> Outcome:
    """Let one tool work on a fresh copy of one project."""
    with tempfile.TemporaryDirectory(prefix="fixer-bench-") as folder, counted(plan.base) as (base, traffic):
        place = Path(folder) / "project"
        lay_out(project, place)
        started = time.monotonic()
        work(Plan(plan.model, base, plan.attempts), project, place)
        seconds = time.monotonic() - started
        green, right = judge(project, place)
    return Outcome(project.name, tool, green, right, traffic.calls, traffic.sent, traffic.received, round(seconds, 1))


def with_fixer(plan: Plan, project: SmallProject, place: Path) -> None:
    """`fixer run`, as a script would call it."""
    del project
    limits = ["--attempts", str(plan.attempts), "--model-timeout", str(CALL_SECONDS)]
    env = {"FIXER_PYTHON": sys.executable}
    _call(plan, place, [sys.executable, "-m", "fixer", "run", "--yes", "-q", "--model", plan.model, *limits], env)


def with_aider(plan: Plan, project: SmallProject, place: Path) -> None:
    """`aider --message` with pytest's own words, as often as fixer may try, until the tests pass."""
    for _ in range(plan.attempts):
        said = _pytest(place)
        if said.returncode == 0:
            return
        message = place.parent / "message"
        message.write_text(f"These tests fail. Fix the code, not the tests.\n\n{said.stdout}")
        files = [f"{project.name}.py", "--read", f"tests/test_{project.name}.py"]
        argv = [sys.executable, "-m", "aider", "--model", plan.model, "--message-file", str(message), *_QUIETLY, *files]
        _call(plan, place, argv, {})


TOOLS: dict[str, Callable[[Plan, SmallProject, Path], None]] = {"fixer run": with_fixer, "aider --message": with_aider}
_QUIETLY = (
    "--yes-always --no-check-update --no-show-model-warnings --no-show-release-notes --analytics-disable --no-stream "
    f"--no-pretty --no-gitignore --no-detect-urls --no-suggest-shell-commands --timeout {CALL_SECONDS}"
).split()


def table(outcomes: Sequence[Outcome]) -> str:
    """Sums by tool, as Markdown."""
    rows = ["| | green | right | calls | tokens sent | tokens received | seconds |", "|---|---|---|---|---|---|---|"]
    for tool in TOOLS:
        mine = [outcome for outcome in outcomes if outcome.tool == tool]
        counts = [f"{sum(getattr(one, name) for one in mine)} of {len(mine)}" for name in ("green", "right")]
        sums = [f"{sum(getattr(one, name) for one in mine):,.0f}" for name in ("calls", "sent", "received", "seconds")]
        rows.append(f"| `{tool}` | {' | '.join([*counts, *sums])} |")
    return "\n".join(rows)


@contextmanager
def counted(base: str) -> Iterator[tuple[str, Traffic]]:
    """An address that leads to the same server, and what has gone through it."""
    traffic = Traffic()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = _forward(f"{base}{self.path.removeprefix('/v1')}", body, self.headers["Authorization"])
            usage = _usage(answer)
            traffic.calls += 1
            traffic.sent += usage.get("prompt_tokens", 0)
            traffic.received += usage.get("completion_tokens", 0)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", traffic
    finally:
        server.shutdown()
        server.server_close()


def _forward(address: str, body: bytes, key: str | None) -> tuple[int, bytes]:
    headers = {"Content-Type": "application/json", **({"Authorization": key} if key else {})}
    request = urllib.request.Request(address, body, headers)  # the address is the user's own
    try:
        with urllib.request.urlopen(request, timeout=CALL_SECONDS) as answer:
            return answer.status, answer.read()
    except HTTPError as refused:
        return refused.code, refused.read()


def _usage(answer: bytes) -> dict[str, int]:
    try:
        found = json.loads(answer).get("usage")
    except (ValueError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}


def lay_out(project: SmallProject, place: Path) -> None:
    """Write the project there, as the one commit of a repository."""
    for name, text in project.files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "start"]):
        subprocess.run(["git", *_IDENTITY, *words], cwd=place, check=True)
    for key, value in (("user.name", "Bench"), ("user.email", "bench@example.com")):
        subprocess.run(["git", "config", key, value], cwd=place, check=True)


_IDENTITY = ("-c", "user.name=Bench", "-c", "user.email=bench@example.com")


def judge(project: SmallProject, place: Path) -> tuple[bool, bool]:
    """Whether the tests that everybody sees pass, put back as they were, and whether the hidden one does too."""
    for name, text in project.files.items():
        if name != f"{project.name}.py":
            (place / name).write_text(text)
    green = _pytest(place).returncode == 0
    (place / "tests" / "test_hidden.py").write_text(project.hidden_test)
    return green, green and _pytest(place).returncode == 0


def _pytest(place: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    return subprocess.run(argv, cwd=place, env=env, capture_output=True, text=True, timeout=120, check=False)


def _call(plan: Plan, place: Path, argv: Sequence[str], more: dict[str, str]) -> None:
    env = {**os.environ, "OPENAI_API_BASE": plan.base, "HOME": str(place.parent), **more}
    env.setdefault("OPENAI_API_KEY", "none")
    ended = subprocess.run(argv, cwd=place, env=env, capture_output=True, text=True, check=False)
    if ended.returncode not in (0, 1):
        print(ended.stderr[-2_000:], file=sys.stderr)


def _row(outcome: Outcome) -> str:
    verdict = "right" if outcome.right else "green" if outcome.green else "red"
    spent = f"{outcome.calls} calls, {outcome.sent}+{outcome.received} tokens, {outcome.seconds} s"
    return f"{outcome.project:10} {outcome.tool:16} {verdict:6} {spent}"


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench_models", description=__doc__)
    parser.add_argument("--model", required=True, help="as both tools know it: openai/NAME")
    parser.add_argument("--base-url", required=True, help="the server, with its /v1")
    parser.add_argument("--attempts", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[], help="names of projects")
    parser.add_argument("--json", type=Path)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
