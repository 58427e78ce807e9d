"""Measures what a sentence of the first prompt is worth: the same small projects and model, with it and without it.

The request is the one that `fixer run` sends first; each variant of it is answered a few times, and each answer judged
by the test that everybody sees (*green*) and one that neither model nor fixer has seen (*right*).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench_models import judge, lay_out
from scripted_model import Answer, ScriptedModel
from small_projects import SMALL_PROJECTS, SmallProject

Messages = list[dict[str, str]]
MOST_RECEIVED = 800
SECONDS = 600


@dataclass(frozen=True)
class Plan:
    """Who is asked, how, and how often."""

    model: str
    base: str
    temperature: float
    samples: int


@dataclass(frozen=True)
class Score:
    """What came of one variant of the prompt, over all projects and samples."""

    without: str
    answers: int = 0
    green: int = 0
    right: int = 0
    sent: int = 0
    received: int = 0
    seconds: float = 0.0


def main(argv: Sequence[str]) -> int:
    """Print a line as each variant is through with a project, and the table."""
    asked = _arguments(argv)
    plan = Plan(asked.model, asked.base_url.rstrip("/"), asked.temperature, asked.samples)
    scores = {words: Score(words) for words in ("", *asked.without)}
    for project in SMALL_PROJECTS:
        if asked.only and project.name not in asked.only:
            continue
        messages = first_request(project, plan.model)
        for words, score in scores.items():
            scores[words] = measure(plan, project, without(messages, words), score)
            print(project.name, asdict(scores[words]), flush=True)
    print(table(scores.values()))
    return 0


def first_request(project: SmallProject, model: str) -> Messages:
    """What `fixer run` asks first."""
    with tempfile.TemporaryDirectory(prefix="fixer-bench-") as folder, ScriptedModel(Answer("?")).running() as server:
        place = Path(folder) / "project"
        lay_out(project, place)
        more = {"OPENAI_API_BASE": server.base_url, "HOME": folder, "FIXER_PYTHON": sys.executable}
        env = {**os.environ, "OPENAI_API_KEY": "none", **more}
        argv = [sys.executable, "-m", "fixer", "run", "--yes", "-q", "--model", model, "--attempts", "1"]
        subprocess.run([*argv, "-x"], cwd=place, env=env, capture_output=True, check=False)
        found: Messages = server.requests[0]["messages"]
    return found


def without(messages: Messages, variant: str) -> Messages:
    """The messages less the sentence of the last one that holds these words; behind `=>` stands one to take its place.

    Raises ValueError where none holds them.
    """
    if not variant:
        return messages
    words, _, instead = variant.partition(" => ")
    *before, last = messages
    lines = [_line_without(line, words, instead) for line in last["content"].split("\n")]
    text = "\n".join(line for line in lines if line is not None)
    if text == last["content"]:
        raise ValueError(f"no sentence of the prompt holds {words!r}")
    return [*before, {**last, "content": text}]


def measure(plan: Plan, project: SmallProject, messages: Messages, score: Score) -> Score:
    """The score with the answers to this variant for this project."""
    for _ in range(plan.samples):
        started = time.monotonic()
        answer = _ask(plan, messages)
        seconds = time.monotonic() - started
        with tempfile.TemporaryDirectory(prefix="fixer-bench-") as folder:
            place = Path(folder) / "project"
            lay_out(project, place)
            (place / f"{project.name}.py").write_text(
                _file_in(str(answer["text"]), f"{project.name}.py") or project.source
            )
            green, right = judge(project, place)
        score = replace(
            score,
            answers=score.answers + 1,
            green=score.green + green,
            right=score.right + right,
            sent=score.sent + int(str(answer["sent"])),
            received=score.received + int(str(answer["received"])),
            seconds=round(score.seconds + seconds, 1),
        )
    return score


def table(scores: Iterable[Score]) -> str:
    """All variants, as Markdown."""
    rows = ["| without | green | right | tokens sent | tokens received | seconds |", "|---|---|---|---|---|---|"]
    for one in scores:
        name = f"“{one.without}”" if one.without else "(nothing: the prompt as it is)"
        counts = f"{one.green} of {one.answers} | {one.right} of {one.answers}"
        rows.append(f"| {name} | {counts} | {one.sent:,} | {one.received:,} | {one.seconds:,.0f} |")
    return "\n".join(rows)


def _line_without(line: str, words: str, instead: str) -> str | None:
    if words not in line:
        return line
    dash, text = ("- ", line[2:]) if line.startswith("- ") else ("", line)
    sentences = re.split(r"(?<=[.!?;]) ", text)
    kept = [instead if words in sentence else sentence for sentence in sentences]
    return f"{dash}{' '.join(filter(None, kept))}" if any(kept) else None


def _file_in(answer: str, name: str) -> str:
    """The file of this name that an answer writes out whole, as Aider would read it; empty where it holds none."""
    for found in re.finditer(r"^([^\n]*)\n```[^\n]*\n(.*?)^```", answer, re.DOTALL | re.MULTILINE):
        if found[1].strip("*`#: ") in (name, ""):
            return found[2]
    return ""


def _ask(plan: Plan, messages: Messages) -> dict[str, object]:
    body = {
        "model": plan.model.partition("/")[2],
        "messages": messages,
        "temperature": plan.temperature,
        "max_tokens": MOST_RECEIVED,
    }
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', 'none')}",
    }
    request = urllib.request.Request(f"{plan.base}/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=SECONDS) as said:  # the address is the user's own
        answer = json.loads(said.read())
    usage = answer["usage"]
    text = answer["choices"][0]["message"]["content"] or ""
    return {"text": text, "sent": usage["prompt_tokens"], "received": usage["completion_tokens"]}


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench_prompts", description=__doc__)
    parser.add_argument("--model", required=True, help="as fixer knows it, one that writes whole files: openai/NAME-7b")
    parser.add_argument("--base-url", required=True, help="the server, with its /v1")
    parser.add_argument(
        "--without", action="append", default=[], metavar="WORDS", help="of a sentence; also WORDS => OTHER"
    )
    parser.add_argument("--samples", type=int, default=2, help="answers for each project and variant")
    parser.add_argument("--temperature", type=float, default=0.4)
    parser.add_argument("--only", nargs="*", default=[], help="names of projects")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
