"""Servers on this machine are found by what they answer, and one request tells how a model is."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from scripted_model import HTML, Answer, ScriptedModel, failure

from fixer.domain.errors import ProviderFailed, UsageError
from fixer.infrastructure.model_servers import USUAL, ServedModel, find_models, servers_of
from fixer.infrastructure.model_trial import try_model


@contextmanager
def serving(answers: Mapping[str, object]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers.get(self.path)
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(404 if answer is None else 200)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815  # named by the standard library

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_models_are_listed_with_their_context() -> None:
    ollama = {
        "/api/tags": {"models": [{"name": "qwen2.5-coder:1.5b"}, {"odd": 1}]},
        "/api/show": {"model_info": {"qwen2.context_length": 32768}},
    }
    openai = {"/v1/models": {"data": [{"id": "a", "max_model_len": 4096}, {"id": "b", "meta": {"n_ctx_train": 7}}]}}
    with serving(ollama) as first, serving(openai) as second:
        found = find_models(first, [f"{second}/v1"])
    base = f"{second}/v1"
    assert found == (
        ServedModel("ollama_chat/qwen2.5-coder:1.5b", 32768),
        ServedModel("openai/a", 4096, base),
        ServedModel("openai/b", 7, base),
    )


@pytest.mark.parametrize("answer", [b"<html>hello</html>", [], {"data": "x"}, {"data": [1, {"id": 2}]}, None])
def test_what_is_no_such_server_is_no_model(answer: object) -> None:
    with serving({"/v1/models": answer, "/api/tags": answer}) as base:
        assert find_models(base, [f"{base}/v1"]) == ()


def test_nobody_there_is_no_error() -> None:
    assert find_models("http://127.0.0.1:9", ["http://127.0.0.1:9/v1"]) == ()


def test_one_request_tells_how_a_model_is(scripted_model: ScriptedModel) -> None:
    scripted_model.answers(Answer("ready"))
    trial = try_model("openai/gpt-4o", 5)
    assert len(scripted_model.requests) == 1
    assert trial.takes_temperature
    assert trial.cost_usd
    assert trial.context == 128_000
    assert trial.edit_format == "diff"


def test_a_small_local_model_writes_whole_files(scripted_model: ScriptedModel) -> None:
    scripted_model.answers(Answer("ready"))
    assert try_model("openai/qwen2.5-coder-1.5b-instruct", 5).edit_format == "whole"
    assert try_model("openai/qwen2.5-coder-32b", 5).edit_format == "diff"


@pytest.mark.parametrize(
    "answer", [failure(401, "no"), failure(404, "no such model"), HTML], ids=["401", "404", "html"]
)
def test_a_provider_that_refuses_is_named_with_a_cure(scripted_model: ScriptedModel, answer: Answer) -> None:
    scripted_model.answers(answer)
    with pytest.raises(ProviderFailed) as raised:
        try_model("openai/x", 5)
    assert raised.value.cure


def test_a_model_of_no_provider_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        try_model("no-such-model", 5)


@pytest.mark.parametrize(
    ("base", "asked"),
    [
        ("http://127.0.0.1:7777/v1/", True),
        ("http://localhost:7777/v1", True),
        ("http://[::1]:7777/v1", True),
        ("https://api.example.com/v1", False),
        ("http://127.0.0.1.example.com/v1", False),
        ("nonsense", False),
        ("", False),
    ],
)
def test_a_server_that_the_environment_names_is_asked_where_it_is_on_this_machine(base: str, asked: bool) -> None:
    ollama, others = servers_of({"OPENAI_API_BASE": base, "OLLAMA_API_BASE": base})
    assert (others[0] == base.rstrip("/")) is asked
    assert (ollama == base.rstrip("/")) is asked
    assert set(USUAL) <= set(others)
