"""What of an answer is an error in disguise."""

from __future__ import annotations

import json

import pytest

from fixer.infrastructure.wire import error_inside

CHOICE = {"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        ({"error": {"message": "upstream died", "code": 502}}, 502, "upstream died"),
        ({"error": {"message": "no\n such model", "code": "not_found"}, "status": 404}, 404, "no such model"),
        ({"error": "out of memory"}, 400, "out of memory"),
        ({"error": {"type": "overloaded"}}, 400, "overloaded"),
        ({"error": {"code": True, "message": "x"}}, 400, "x"),
        ({"object": "error", "message": "no such model", "code": 404}, 404, "no such model"),
        ({"choices": [{**CHOICE, "error": {"message": "died", "code": 502}}]}, 502, "died"),
        ({"choices": [{**CHOICE, "finish_reason": "error"}]}, 400, "it does not say what went wrong"),
    ],
)
def test_an_error_inside_an_answer_is_found(answer: object, status: int, words: str) -> None:
    assert error_inside(json.dumps(answer).encode()) == (status, words)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"choices": [CHOICE]}).encode(),
        json.dumps({"choices": [CHOICE], "error": None}).encode(),
        json.dumps({"choices": None, "output": []}).encode(),
        b"<html>",
        b"[1]",
        b"null",
        b"",
    ],
)
def test_what_is_no_error_stays_what_it_is(body: bytes) -> None:
    assert error_inside(body) is None
