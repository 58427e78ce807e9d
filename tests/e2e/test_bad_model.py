"""An unusable model: one message with its cure, the right exit code, nothing spent beyond the call, nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import fixer, model_env
from scripted_model import HTML, Answer, ScriptedModel, edit, error_inside, failure
from tree import Tree

pytestmark = pytest.mark.slow


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "project").init()
    tree.write("calc.py", "def add(a, b):\n    return a - b\n")
    tree.write("test_calc.py", "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n")
    tree.commit()
    tree.write("notes.txt", "not yet committed\n")
    return tree


REFUSED_HERE = [
    ("openai/text-embedding-3-small", "does not chat: it is for embedding"),
    ("opneai/gpt-4o", "No provider is known for a model named opneai/gpt-4o"),
]


@pytest.mark.parametrize(("name", "said_so"), REFUSED_HERE, ids=[row[0] for row in REFUSED_HERE])
def test_what_is_known_to_be_no_model_is_refused_before_anything_is_sent(
    tree: Tree, scripted_model: ScriptedModel, name: str, said_so: str
) -> None:
    before = tree.fingerprint()
    said = fixer(tree.path, "run", "--yes", "--model", name, **model_env(scripted_model))
    assert said.code == 2, said.err
    assert said_so in said.err
    assert "--model" in said.err.splitlines()[-1] or "provider/model" in said.err.splitlines()[-1]
    assert scripted_model.requests == []
    assert tree.fingerprint() == before


UNUSABLE = {
    "unknown": (failure(404, "The model `scripted` does not exist"), "model not found (404): The model", "the name", 1),
    "wrong key": (failure(401, "Incorrect API key provided"), "unauthorised (401)", "OPENAI_API_KEY", 1),
    "no chat": (failure(400, "x does not support chat completions"), "does not chat", "another model", 1),
    "too small": (
        failure(400, "This model's maximum context length is 512 tokens.", "context_length_exceeded"),
        "smaller than the smallest prompt: 512 tokens",
        "larger one",
        2,
    ),
    "HTML": (HTML, "no model's answer", "OPENAI_API_BASE", 3),
    "HTML at the wrong path": (Answer(status=404, body=b"<html>nginx</html>"), "a web page", "/v1", 1),
    "slow for ever": (Answer(endless=b" ", delay=0.2), "timed out after 1 s", "--model-timeout", 2),
    "long for ever": (Answer(endless=b" " * 1_000_000), "did not end", "OPENAI_API_BASE", 1),
    "an error inside a 200": (error_inside("out of memory"), "(400): out of memory", "another model", 2),
}


@pytest.mark.parametrize(("answer", "said_so", "cure", "most_calls"), UNUSABLE.values(), ids=list(UNUSABLE))
def test_an_unusable_model_ends_the_run_with_one_message(
    tree: Tree, scripted_model: ScriptedModel, answer: Answer, said_so: str, cure: str, most_calls: int
) -> None:
    before = tree.fingerprint()
    scripted_model.answers(answer)
    patience = "1" if answer.endless else "60"
    said = fixer(tree.path, "run", "--yes", "--json", **model_env(scripted_model), FIXER_MODEL_TIMEOUT=patience)
    assert said.code == 5, said.err
    message, told_cure = said.err.splitlines()[-2:]
    assert message.startswith("fixer: openai/scripted: ")
    assert said_so in message
    assert cure in told_cure
    assert len(scripted_model.requests) <= most_calls
    assert said.data["exit_code"] == 5
    assert said.data["tokens"] == {"sent": 0, "received": 0}
    assert tree.fingerprint() == before


def test_what_was_verified_before_stays(tree: Tree, scripted_model: ScriptedModel) -> None:
    tree.write("calc.py", "def add(a, b):\n    return a - b\n\n\ndef twice(a):\n    return a\n")
    tree.write("test_calc.py", tree.read("test_calc.py") + "\n\ndef test_twice():\n    assert twice(2) == 4\n")
    tree.write("test_calc.py", tree.read("test_calc.py").replace("import add", "import add, twice"))
    tree.commit("more")
    right = edit("calc.py", "    return a - b\n", "    return a + b\n")
    scripted_model.answers(right, error_inside({"message": "no credit left", "code": 402}))
    said = fixer(tree.path, "run", "--yes", **model_env(scripted_model))
    assert said.code == 5, said.err
    assert "quota exhausted" in said.err
    assert tree.git("log", "-1", "--format=%s") == "Fix test_calc.py::test_add\n"
    scripted_model.answers(edit("calc.py", "    return a\n", "    return 2 * a\n"))
    assert fixer(tree.path, "run", "--yes", "--resume", **model_env(scripted_model)).code == 0
