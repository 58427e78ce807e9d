"""The calls that an attempt makes to its model: counted, masked, tried again with patience, and given up by name."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from fixer.application.ports import Estimate, Meter
from fixer.domain.errors import CapReached
from fixer.domain.ladder import Rung
from fixer.domain.models import Usage
from fixer.infrastructure.aider_model import EngineModel, count_tokens
from fixer.infrastructure.answer_stream import watched
from fixer.infrastructure.model_failures import CUT, EMPTY, REFUSED, TOO_LONG, WITHHELD, Failure, Gravity, name_failure


class Stopped(BaseException):
    """Ends an attempt from inside Aider. No Exception, because Aider would swallow one and go on."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class Capped(BaseException):
    """The next call would pass a cap. No Exception, because Aider would swallow one and go on."""

    def __init__(self, reached: CapReached) -> None:
        super().__init__(reached.message)
        self.reached = reached


class Interrupted(BaseException):
    """Control-C during a call. Aider would swallow a KeyboardInterrupt and go on."""


class Calls:
    """The calls of one attempt: takes the place of the model's `send_completion`.

    `mask` takes secrets out of what is sent, and `show` is told all of it, before it is. `watch` is told each line of
    an answer while it is written; without it answers come in one piece.
    """

    def __init__(
        self,
        engine: EngineModel,
        rung: Rung,
        say: Callable[[str], None],
        meter: Meter | None = None,
        mask: Callable[[str], str] = lambda text: text,
        show: Callable[[str], None] | None = None,
        watch: Callable[[str], None] | None = None,
    ) -> None:
        self._engine = engine
        self._rung = rung
        self.say = say
        self._meter = meter
        self._mask = mask
        self._show = show
        self._watch = watch
        self._send_completion = type(engine.model).send_completion
        self._sent_temperature: float | None = None
        self._count = self._tokens_sent = self._tokens_received = 0
        self._cost: float | None = 0.0
        self._seconds = 0.0
        self.to_write_out = 0
        """Tokens of the files that the answer will hold, where it is to be whole files."""
        self.asked = 0
        """Tokens of the newest request, before it was sent."""

    @property
    def usage(self) -> Usage:
        """What the calls have cost so far."""
        return Usage(
            self._engine.name,
            self._sent_temperature,
            self._count,
            self._tokens_sent,
            self._tokens_received,
            self._cost,
            self._seconds,
        )

    def send(self, messages: list[Any], functions: Any, stream: bool, temperature: float | None = None) -> Any:
        """Send as Aider would. Raises Stopped where there is no answer that Aider could use, and Interrupted."""
        del temperature
        if not self._engine.local:
            messages = [_masked(message, self._mask) for message in messages]
        self._see_that_it_fits(messages)
        if self._show:
            self._show("\n\n".join(f"[{message['role']}]\n{message['content']}" for message in messages))
        started, before = time.monotonic(), self.usage
        try:
            digest, answer = self._patiently(lambda: self._with_or_without(messages, functions, stream))
            self._account(answer)
        except KeyboardInterrupt as interrupt:
            raise Interrupted from interrupt
        finally:
            self._seconds += time.monotonic() - started
            if self._meter:
                self._meter.call_ended(_difference(self.usage, before))
        if self._watch and not self._engine.local:
            taken = f"{time.monotonic() - started:.1f} s ({self._engine.answers[-1]:,} tokens)"
            self._watch(f"  {self._engine.name} answered in {taken}")
        _refuse_useless(answer)
        return digest, answer

    @property
    def expected(self) -> int:
        """Tokens that the next answer will take, as far as can be known."""
        return self.to_write_out + _SENTENCE if self.to_write_out else self._engine.usual_answer

    def _see_that_it_fits(self, messages: list[Any]) -> None:
        self.asked = 0 if self._engine.local else count_tokens(self._engine, messages)
        if self._engine.room and self.asked > self._engine.room:
            raise Stopped(replace(TOO_LONG, room=self._engine.room))
        self._see_that_caps_allow()

    def _see_that_caps_allow(self) -> None:
        if self._meter is None:
            return
        size = Estimate() if self._engine.local else estimate(self._engine, self.asked, self.expected)
        try:
            self._meter.before_call(size)
        except CapReached as reached:
            raise Capped(reached) from None

    def _patiently(self, send: Callable[[], Any]) -> Any:
        """Try again within seconds where that may help."""
        for pause in (*_PAUSES, None):
            try:
                return send()
            except Exception as raised:
                failure = name_failure(raised, self._engine.timeout)
                wait = max(pause or 0, failure.retry_after or 0)
                if failure.gravity is not Gravity.PASSING or pause is None:
                    raise Stopped(failure) from raised
                if wait > _LONGEST_WAIT:
                    asked = f"{failure.reason}, and asks to wait for {wait:.0f} s"
                    raise Stopped(replace(failure, reason=asked)) from raised
                self.say(f"{self._engine.name}: {failure.reason}; trying again in {wait:g} s")
                time.sleep(wait)
            self._see_that_caps_allow()
        raise AssertionError("the last try returns or raises")

    def _with_or_without(self, messages: list[Any], functions: Any, stream: bool) -> Any:
        """With the temperature; once more without, where the provider rejects it."""
        try:
            return self._once(messages, functions, stream)
        except Exception as raised:
            about_temperature = name_failure(raised, self._engine.timeout).about_temperature
            if not about_temperature or self._sent_temperature is None:
                raise
            self._drop_temperature()
            return self._once(messages, functions, stream)

    def _once(self, messages: list[Any], functions: Any, stream: bool) -> Any:
        import litellm

        model = self._engine.model
        model.use_temperature = model.use_temperature if self._engine.takes_temperature else False
        model.extra_params = {**self._engine.plain_params}
        self._sent_temperature = self._rung.temperature
        if not self._engine.takes_temperature:
            self._drop_temperature()
            if self._rung.effort and "reasoning_effort" in (model.accepts_settings or ()):
                model.extra_params.pop("extra_body", None)
                model.set_reasoning_effort(self._rung.effort)
        litellm.input_callback = [self._look_at_request]
        self._count += 1
        if not self._watch or self._engine.local or not model.streaming:
            return self._send_completion(model, messages, functions, stream, self._rung.temperature)
        model.extra_params["stream_options"] = {"include_usage": True}
        digest, chunks = self._send_completion(model, messages, functions, True, self._rung.temperature)
        answer = watched(chunks, model.name, messages, self._tell_line)
        if answer is None:  # there are servers that do not stream, and web pages
            model.streaming = False
            return self._once(messages, functions, stream)
        return digest, answer

    def _tell_line(self, line: str) -> None:
        if self._watch:
            self._watch(f"    {line}")

    def _look_at_request(self, call: Mapping[str, Any]) -> None:
        """litellm silently drops what it thinks a model does not take: only the request itself tells."""
        body = (call.get("additional_args") or {}).get("complete_input_dict")
        if isinstance(body, str):
            body = json.loads(body)
        if not isinstance(body, Mapping):
            return
        self._sent_temperature = next(_temperatures(body), None)
        if self._sent_temperature is None:
            self._drop_temperature()

    def _drop_temperature(self) -> None:
        self._engine.takes_temperature = False
        self._sent_temperature = None
        if self._engine.said_so:
            return
        self._engine.said_so = True
        self.say(f"{self._engine.name} takes no temperature: attempts differ by what they are told instead")

    def _account(self, answer: Any) -> None:
        usage = getattr(answer, "usage", None)
        self._tokens_sent += getattr(usage, "prompt_tokens", 0) or 0
        received = getattr(usage, "completion_tokens", 0) or 0
        self._tokens_received += received
        self._engine.answers.append(received)
        cost = 0.0 if self._engine.local else self._price(answer)
        self._cost = None if cost is None or self._cost is None else self._cost + cost

    def _price(self, answer: Any) -> float | None:
        if self._engine.model.info.get("input_cost_per_token") is None:
            return None
        cost = (getattr(answer, "_hidden_params", None) or {}).get("response_cost")
        return None if cost is None else float(cost)


def estimate(engine: EngineModel, sent: int, received: int) -> Estimate:
    """What a call of so many tokens and their answer takes."""
    prices = engine.model.info.get("input_cost_per_token"), engine.model.info.get("output_cost_per_token")
    if prices[0] is None or prices[1] is None:
        return Estimate(sent + received, None)
    return Estimate(sent + received, sent * prices[0] + received * prices[1])


_SENTENCE = 100
"""Tokens around the files of an answer."""
_PAUSES = (0.5, 1.5)
"""Seconds before the second and the third try."""
_LONGEST_WAIT = 30.0
"""Seconds. A provider that asks for more is better asked again by a person."""


def _masked(message: dict[str, Any], mask: Callable[[str], str]) -> dict[str, Any]:
    content = message.get("content")
    return {**message, "content": mask(content)} if isinstance(content, str) else message


def _difference(after: Usage, before: Usage) -> Usage:
    known = after.cost_usd is not None and before.cost_usd is not None
    return Usage(
        after.model,
        after.temperature,
        after.calls - before.calls,
        after.tokens_sent - before.tokens_sent,
        after.tokens_received - before.tokens_received,
        (after.cost_usd or 0.0) - (before.cost_usd or 0.0) if known else None,
        after.model_seconds - before.model_seconds,
    )


def _temperatures(body: Mapping[str, Any]) -> Iterator[float]:
    """The temperature in a request; some providers' formats have it in a section such as `generationConfig`."""
    if isinstance(body.get("temperature"), int | float):
        yield body["temperature"]
    for section in body.values():
        if isinstance(section, Mapping):
            yield from _temperatures(section)


def _text_of(answer: Any) -> str:
    choices = getattr(answer, "choices", None)
    return str(choices[0].message.content or "").strip() if choices else ""


def _refuse_useless(answer: Any) -> None:
    """Aider takes all of these for a normal reply, or reports nothing at all."""
    choices = getattr(answer, "choices", None)
    if not choices:
        raise Stopped(EMPTY)
    choice = choices[0]
    if choice.finish_reason == "length":
        raise Stopped(CUT)
    if _text_of(answer):
        return
    if choice.finish_reason == "content_filter":
        raise Stopped(WITHHELD)
    raise Stopped(REFUSED if getattr(choice.message, "refusal", None) else EMPTY)
