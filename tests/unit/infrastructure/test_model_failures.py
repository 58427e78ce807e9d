"""Failures get their names from whatever exception arrives, and keep secrets to themselves."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from types import SimpleNamespace

import pytest

from fixer.infrastructure.model_failures import Gravity, name_failure, scrub
from fixer.infrastructure.wire import EndlessAnswer


class Refusal(Exception):
    """What providers' clients raise: a text and a status."""

    def __init__(self, text: str, status_code: int | None = None) -> None:
        super().__init__(text)
        self.status_code = status_code


@pytest.mark.parametrize(
    ("raised", "reason", "gravity"),
    [
        (Refusal("no", 401), "unauthorised", Gravity.FATAL),
        (Refusal("API key not valid. Please pass a valid API key.", 400), "unauthorised", Gravity.FATAL),
        (Refusal("temperature is deprecated for this model", 400), "takes no temperature", Gravity.REPEATED),
        (Refusal("prompt is too long: 300000 tokens", 400), "context window", Gravity.ATTEMPT),
        (Refusal("Your credit balance is too low: insufficient credit", 400), "quota", Gravity.FATAL),
        (Refusal("This is not a chat model and thus not supported", 404), "does not chat", Gravity.FATAL),
        (Refusal("x does not support chat completions", 400), "does not chat", Gravity.FATAL),
        (Refusal("OpenAIException - <html>nginx</html>", 404), "a web page answers", Gravity.FATAL),
        (Refusal("OpenAIException - no model x here", 404), "model not found (404): no model x", Gravity.FATAL),
        (EndlessAnswer("16 MB"), "did not end", Gravity.FATAL),
        (Refusal("Overloaded", 529), "server error (529): Overloaded", Gravity.PASSING),
        (ConnectionRefusedError("111"), "connection refused", Gravity.PASSING),
        (ConnectionResetError("104"), "dropped", Gravity.PASSING),
        (TimeoutError(), "timed out after 7 s", Gravity.REPEATED),
        (ValueError("odd"), "ValueError: odd", Gravity.REPEATED),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_failure_is_named(raised: Exception, reason: str, gravity: Gravity) -> None:
    failure = name_failure(raised, 7)
    assert reason in failure.reason
    assert failure.gravity is gravity


def test_the_cause_behind_a_general_error_is_what_counts() -> None:
    wrapper = Refusal("InternalServerError: OpenAIException - Connection error.", 500)
    wrapper.__cause__ = ConnectionRefusedError("111")
    assert name_failure(wrapper, 1).reason == "connection refused"


def test_only_the_providers_own_words_are_quoted() -> None:
    raised = Refusal("litellm.InternalServerError: InternalServerError: OpenAIException - out of order\nand more", 500)
    assert name_failure(raised, 1).reason == "server error (500): out of order"


def test_no_secret_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "plain-words-as-a-key")
    text = scrub("plain-words-as-a-key, sk-abcdef123456, http://me:hunter22@host/v1, Bearer abc.def.ghi, task-list")
    assert "plain-words" not in text
    assert "abcdef123456" not in text
    assert "hunter22" not in text
    assert "abc.def" not in text
    assert "host/v1" in text
    assert "task-list" in text


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "2", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_read_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_to_wait(headers) == seconds


def test_how_long_to_wait_may_be_told_as_a_date() -> None:
    in_an_hour = format_datetime(datetime.now(timezone.utc) + timedelta(hours=1))
    assert asked_to_wait({"retry-after": in_an_hour}) == pytest.approx(3600, abs=60)


def asked_to_wait(headers: dict[str, str]) -> float | None:
    raised = Refusal("slow down", 429)
    raised.response = SimpleNamespace(headers=headers)  # type: ignore[attr-defined]
    return name_failure(raised, 1).retry_after


@pytest.mark.parametrize(
    ("text", "room"),
    [
        ("This model's maximum context length is 8192 tokens. However, you requested 9000", 8192),
        ("the request exceeds the available context size (2048 tokens), try increasing it", 2048),
        ("prompt is too long: 213462 tokens > 200000 maximum", 200_000),
        ("maximum context length is 131,072 tokens", 131_072),
        ("too many tokens", None),
    ],
)
def test_a_refusal_for_length_tells_how_much_fits(text: str, room: int | None) -> None:
    failure = name_failure(Refusal(text, 400), 1)
    assert "context window" in failure.reason
    assert failure.room == room
