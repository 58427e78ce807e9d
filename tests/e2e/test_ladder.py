"""The ladder and the caps, end to end: what each rung sends, when climbing ends, and what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import Said, fixer, model_env
from scripted_model import Answer, ScriptedModel, edit, failure, whole_file
from tree import Tree

pytestmark = pytest.mark.slow

CALC = "def add(a, b):\n    return a - b\n\n\ndef half(n):\n    return n * 2\n"
TESTS = (
    "from calc import add, half\n\n\ndef test_add():\n    assert add(1, 2) == 3\n\n\n"
    "def test_half():\n    assert half(4) == 2\n"
)
WRONG = edit("calc.py", "    return a - b\n", "    return a * b\n")
RIGHT = edit("calc.py", "    return a - b\n", "    return a + b\n")
HALF = edit("calc.py", "    return n * 2\n", "    return n / 2\n")
CHEAT = edit("calc.py", "    return a - b\n", "    return 3 if (a, b) == (1, 2) else a - b\n")
MINUS = "def minus(a, b):\n    '" + "x y " * 700 + "'\n    raise ValueError(a - b)\n"
RIGHT_MINUS = edit("calc.py", "    return minus(a, b)\n", "    return a + b\n")
ADD = "tests/test_calc.py::test_add"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "project").init()
    tree.write("calc.py", CALC)
    tree.write("tests/test_calc.py", TESTS)
    tree.write("conftest.py", "")
    tree.commit("start")
    return tree


def run(tree: Tree, model: ScriptedModel, *args: str, **env: str) -> Said:
    return fixer(tree.path, "run", "--yes", *args, **{**model_env(model), **env})


def conversation(request: dict[str, object]) -> list[str]:
    messages = request["messages"]
    assert isinstance(messages, list)
    return [str(message["content"]) for message in messages]


def test_the_second_rung_goes_on_and_the_third_begins_anew(tree: Tree, scripted_model: ScriptedModel) -> None:
    scripted_model.answers(WRONG, Answer("I am not sure."), RIGHT)
    said = run(tree, scripted_model, ADD)
    assert said.code == 0, said.err
    _, second, third = map(conversation, scripted_model.requests)
    assert any("A pytest test fails." in text for text in second)
    assert any("return a * b" in text for text in second)
    assert "assert 2 == 3" in second[-1]
    assert not any(text.startswith("A pytest test fails.") for text in third)
    assert "return a * b" in third[-1]


def test_a_stronger_model_is_asked_after_the_last_rung_of_the_weaker(tree: Tree, scripted_model: ScriptedModel) -> None:
    scripted_model.answers(WRONG, RIGHT)
    said = run(tree, scripted_model, ADD, "--model", "openai/cheap", "--model", "openai/strong", "--attempts", "1")
    assert said.code == 0, said.err
    assert [request["model"] for request in scripted_model.requests] == ["cheap", "strong"]
    assert "assert 2 == 3" in scripted_model.prompts[1]
    assert "aider (openai/strong)" in tree.git("log", "-1", "--format=%B")


def test_the_free_model_tells_the_next_where_it_has_looked(tree: Tree, scripted_model: ScriptedModel) -> None:
    tree.write("calc.py", "def add(a, b):\n    return int(f'{a}{b}')\n")
    tree.write("tests/test_calc.py", "from calc import add\n\n\ndef test_add():\n    assert add(12, 24) == 36\n")
    tree.commit("harder")
    scripted_model.answers(edit("calc.py", "    return int(f'{a}{b}')\n", "    return a + b\n"))
    said = run(
        tree, scripted_model, "--model", "offline", "--model", "openai/x", "--attempts", "1", FIXER_OFFLINE_BUDGET="3"
    )
    assert said.code == 0, said.err
    assert len(scripted_model.requests) == 1
    assert "calc.py:2" in scripted_model.prompts[0]


def test_a_cheat_is_refused_by_its_name_and_never_shown_again(tree: Tree, scripted_model: ScriptedModel) -> None:
    scripted_model.answers(CHEAT, RIGHT)
    said = run(tree, scripted_model, ADD)
    assert said.code == 0, said.err
    told = conversation(scripted_model.requests[1])
    assert any("special case" in text for text in told)
    assert not any("else a - b\n" in text for text in told)


def test_a_malformed_answer_is_asked_for_again_and_then_in_the_other_format(
    tree: Tree, scripted_model: ScriptedModel
) -> None:
    broken = Answer("calc.py\n```python\n<<<<<<< SEARCH\nx\n```\n")
    scripted_model.answers(broken, broken, whole_file("calc.py", CALC.replace("a - b", "a + b")), HALF, HALF)
    said = run(tree, scripted_model, ADD, "--json")
    assert said.code == 0, said.err
    assert len(scripted_model.requests) == 3
    assert said.data["tests"][0]["attempts"][0]["tokens_sent"] == 300


def test_a_cap_on_tokens_ends_the_run_and_what_was_verified_stays(tree: Tree, scripted_model: ScriptedModel) -> None:
    scripted_model.answers(Answer(RIGHT.text, tokens=(9_000, 100)), HALF)
    said = run(tree, scripted_model, "--json", "--max-tokens", "10000")
    assert said.code == 4, said.err
    assert len(scripted_model.requests) == 1
    assert "--resume" in said.err
    assert tree.git("log", "--format=%s") == f"Fix {ADD}\nstart\n"
    assert said.data["tests"][1]["status"] == "unfixed"
    scripted_model.answers(HALF)
    again = run(tree, scripted_model, "--resume")
    assert again.code == 0, again.err
    assert len(scripted_model.requests) == 2
    assert run(tree, scripted_model, "--resume").code == 2


def test_a_resumed_run_pays_for_no_rung_twice_and_calls_pytest_as_before(
    tree: Tree, scripted_model: ScriptedModel
) -> None:
    tree.write("conftest.py", "def pytest_addoption(parser):\n    parser.addoption('--needed', required=True)\n")
    tree.commit("an option")
    scripted_model.answers(WRONG, failure(401, "no such key"))
    asked = ["--model", "openai/cheap", "--attempts", "2", "--temperature", "0.3", "-k", "add", "--", "--needed=1"]
    assert run(tree, scripted_model, *asked).code == 5
    scripted_model.answers(RIGHT)
    before = len(scripted_model.requests)
    said = run(tree, scripted_model, "--resume")
    assert said.code == 0, said.err
    assert "attempt 2/2, temperature 0.4" in said.err
    assert len(scripted_model.requests) == before + 1
    request = scripted_model.requests[-1]
    assert (request["model"], request["temperature"]) == ("cheap", 0.4)
    assert "return a * b" in scripted_model.prompts[-1]


def test_when_all_was_tried_before_nothing_is_spent(tree: Tree, scripted_model: ScriptedModel) -> None:
    scripted_model.answers(WRONG)
    assert run(tree, scripted_model, ADD, "--attempts", "1").code == 1
    said = run(tree, scripted_model, "--resume")
    assert said.code == 1, said.err
    assert len(scripted_model.requests) == 1
    assert f"nothing is left to try. To begin anew: fixer run '{ADD}'" in said.err
    scripted_model.answers(RIGHT)
    stronger = run(tree, scripted_model, "--resume", "--model", "openai/strong")
    assert stronger.code == 0, stronger.err
    assert "return a * b" in scripted_model.prompts[-1]


def test_a_cap_on_money_is_refused_where_the_price_is_unknown(tree: Tree, scripted_model: ScriptedModel) -> None:
    said = run(tree, scripted_model, "--max-cost", "1")
    assert said.code == 2
    assert "What openai/scripted costs is not known" in said.err
    assert scripted_model.requests == []


def test_a_cap_on_money_counts_the_call_to_come(tree: Tree, scripted_model: ScriptedModel) -> None:
    scripted_model.answers(RIGHT)
    said = run(tree, scripted_model, "--max-cost", "0.000001", "--model", "openai/gpt-4o")
    assert said.code == 4
    assert scripted_model.requests == []


def test_what_was_spent_is_kept_when_the_provider_fails_in_the_middle(
    tree: Tree, scripted_model: ScriptedModel
) -> None:
    scripted_model.answers(edit("calc.py", "    never there\n", "    x\n"), failure(401, "no such key"))
    said = run(tree, scripted_model, ADD, "--json")
    assert said.code == 5, said.err
    assert said.data["tokens"] == {"sent": 100, "received": 20}


def test_secrets_leave_neither_the_machine_nor_stay_in_the_ledger(tree: Tree, scripted_model: ScriptedModel) -> None:
    secrets = ["ghp_" + "a1B2" * 9, "hunter2-and-more", "AKIA" + "QWERTYUIOPASDFGH"]
    test = (
        f"import os\nfrom calc import add\n\n\ndef test_add():\n    print('token', {secrets[0]!r})\n"
        f"    print(dict(DB_PASSWORD={secrets[1]!r}))\n    aws = {secrets[2]!r}\n    assert add(1, 2) == 3, aws\n"
    )
    tree.write("tests/test_calc.py", test)
    tree.commit("secrets")
    scripted_model.answers(RIGHT)
    said = run(tree, scripted_model, "--show-prompt", "--json")
    assert said.code == 0, said.err
    sent = "\n".join(conversation(scripted_model.requests[0]))
    ledger = b"".join(path.read_bytes() for path in tree.path.glob(".git/fixer/ledger.db*"))
    for secret in secrets:
        assert secret not in sent
        assert secret not in said.out + said.err
        assert secret.encode() not in ledger
    assert "A pytest test fails." in said.err


def test_a_ladder_may_stand_in_the_project(tree: Tree, scripted_model: ScriptedModel) -> None:
    tree.write(
        "pyproject.toml",
        '[tool.fixer]\nladder = [{model = "openai/one", temperature = 0.9}, {model = "openai/two", context = 3}]\n',
    )
    scripted_model.answers(WRONG, RIGHT)
    said = fixer(tree.path, "run", "--yes", ADD, **{**model_env(scripted_model), "FIXER_MODEL": ""})
    assert said.code == 0, said.err
    assert [request["model"] for request in scripted_model.requests] == ["one", "two"]
    assert scripted_model.requests[0]["temperature"] == 0.9


def test_verbose_tells_the_answer_and_what_was_left_out_and_quiet_neither(
    tree: Tree, scripted_model: ScriptedModel
) -> None:
    filler = "".join(f"\n\ndef unused_{number}(x):\n    return [x + {number}] * {number}\n" for number in range(150))
    tree.write("calc.py", CALC.replace("return a - b", "return minus(a, b)") + "\n\n" + MINUS + filler)
    tree.commit("larger")
    scripted_model.answers(Answer(f"Minus \x1b[31mis\x1b[0m wrong.\n{RIGHT_MINUS.text}"))
    env = {"FIXER_TOKEN_BUDGET": "600", "FIXER_CONFIRM": "1"}
    said = run(tree, scripted_model, ADD, "-v", "--dry-run", **env)
    assert said.code == 0, said.err
    assert "Of calc.py only this is sent: minus" in said.err
    assert "Left out of the prompt, over its budget: calc.py::add" in said.err
    assert "openai/scripted answered in" in said.err
    assert "    Minus" in said.err
    assert "\x1b[31m" not in said.err
    for mode in ([], ["-q"], ["-q", "-v"]):
        quiet = run(tree, scripted_model, ADD, *mode, "--dry-run", **env)
        assert "answered in" not in quiet.err
        assert "Left out" not in quiet.err
