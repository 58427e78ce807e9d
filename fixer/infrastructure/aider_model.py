"""The model behind Aider: found by its name, checked without a network, called with patience, and counted."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from fixer.application.ports import Estimate, Meter
from fixer.domain.errors import CapReached, ProviderFailed, UsageError
from fixer.domain.ladder import Rung
from fixer.domain.models import Usage
from fixer.infrastructure.litellm_provider import PROVIDER, LocalProvider
from fixer.infrastructure.model_failures import CUT, EMPTY, REFUSED, WITHHELD, Failure, Gravity, name_failure, scrub

ENGINE_VARIABLES = frozenset(
    {"LITELLM_LOCAL_MODEL_COST_MAP", "LITELLM_MODE", "OR_SITE_URL", "OR_APP_NAME", "TIKTOKEN_CACHE_DIR"}
)
"""What importing the engine puts into os.environ; tests that we run should not see it."""


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


@dataclass
class EngineModel:
    """A model as Aider knows it, with what holds for the whole run."""

    model: Any
    edit_format: str
    local: bool
    timeout: float
    takes_temperature: bool = True
    plain_params: Mapping[str, Any] = field(default_factory=dict)
    """What goes along with every call, whatever the rung."""
    said_so: bool = False
    """Whether it was announced that the model takes none."""

    @property
    def name(self) -> str:
        """The full name, aliases resolved."""
        return str(self.model.name)

    @property
    def provider(self) -> str:
        """The name of the provider, as environment variables spell it; empty where litellm knows none."""
        import litellm

        try:
            return str(litellm.get_llm_provider(self.name)[1]).upper().removesuffix("_CHAT")
        except litellm.exceptions.BadRequestError:
            return ""

    def cure(self, failure: Failure) -> str:
        """The failure's cure, with the names that a person has to look at."""
        base = f"{self.provider}_API_BASE"
        shown = f"{base} ({scrub(os.environ[base])})" if base in os.environ else f"{base} (not set)"
        return failure.cure.format(key=f"{self.provider}_API_KEY", base=shown, model=self.name)


def import_engine() -> None:
    """Import Aider and litellm, which takes seconds, so that neither asks the network for anything."""
    with _IMPORT:
        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
        # In its other mode litellm reads a `.env` from the current directory, which is the repository's word.
        os.environ["LITELLM_MODE"] = "PRODUCTION"
        import aider.coders
        import aider.llm
        import litellm
        import openai.resources.chat  # noqa: F401

        aider.llm.litellm._load_litellm()  # noqa: SLF001  # its lazy loader also turns litellm's printing off
        litellm.disable_hf_tokenizer_download = True
        aider.coders.base_coder.RETRY_TIMEOUT = 0  # retrying is ours
        _cut_off_model_lists()


def load_model(name: str, provider: LocalProvider, timeout: float, edit_format: str = "") -> EngineModel:
    """Find the model. `timeout` is in seconds, for one call; without an edit format, the one that suits the model."""
    from aider.models import MODEL_SETTINGS, Model

    local_name = provider.full_name(name)
    if local_name:
        provider.register()
        _price_at_nothing(local_name)
    full_name = local_name or name
    model = Model(full_name, weak_model=full_name, editor_model=False)
    model.extra_params = {**(model.extra_params or {}), "max_retries": 0, "timeout": timeout}
    # Aider would fetch a Copilot token from GitHub for any model, wherever that variable is set.
    model.github_copilot_token_to_open_ai_key = lambda headers: None
    # Aider's default for a model that it does not know is to have whole files written out.
    known = any(settings.name == model.name for settings in MODEL_SETTINGS)
    fitting = _format_for(name) if not known and model.edit_format == "whole" else model.edit_format
    takes_temperature = model.use_temperature is not False
    plain = dict(model.extra_params)
    return EngineModel(model, edit_format or fitting, bool(local_name), timeout, takes_temperature, plain)


def check(engine: EngineModel) -> None:
    """See that the model exists by name and that its key is set. Raises UsageError."""
    if engine.local:
        return
    if not engine.provider or engine.provider == PROVIDER.upper():
        raise UsageError(f"No provider is known for a model named {engine.name}.", _suggestion(engine.name))
    missing = [key for key in engine.model.missing_keys or () if key not in _HAVE_DEFAULTS]
    key = f"{engine.provider}_API_KEY"
    if key in os.environ and not os.environ[key].strip():
        missing.append(key)
    if missing:
        names = " and ".join(dict.fromkeys(missing))
        cure = f"Set it (export {missing[0]}=...), or use --model offline, which needs no key."
        raise UsageError(f"The model {engine.name} needs {names}, which is not set in the environment.", cure)


class Calls:
    """The calls of one attempt: takes the place of the model's `send_completion`.

    `mask` takes secrets out of what is sent, and `show` is told all of it, before it is.
    """

    def __init__(
        self,
        engine: EngineModel,
        rung: Rung,
        say: Callable[[str], None],
        meter: Meter | None = None,
        mask: Callable[[str], str] = lambda text: text,
        show: Callable[[str], None] | None = None,
    ) -> None:
        self._engine = engine
        self._rung = rung
        self._say = say
        self._meter = meter
        self._mask = mask
        self._show = show
        self._send_completion = type(engine.model).send_completion
        self._sent_temperature: float | None = None
        self._count = self._tokens_sent = self._tokens_received = 0
        self._cost: float | None = 0.0
        self._seconds = 0.0

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
        _refuse_useless(answer)
        return digest, answer

    def _see_that_it_fits(self, messages: list[Any]) -> None:
        if self._meter is None:
            return
        try:
            self._meter.before_call(Estimate() if self._engine.local else estimate(self._engine, messages))
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
                if failure.gravity is not Gravity.PASSING or pause is None or wait > _LONGEST_WAIT:
                    raise Stopped(failure) from raised
                self._say(f"{self._engine.name}: {failure.reason}; trying again in {wait:g} s")
                time.sleep(wait)
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
        return self._send_completion(model, messages, functions, stream, self._rung.temperature)

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
        self._say(f"{self._engine.name} takes no temperature: attempts differ by what they are told instead")

    def _account(self, answer: Any) -> None:
        usage = getattr(answer, "usage", None)
        self._tokens_sent += getattr(usage, "prompt_tokens", 0) or 0
        self._tokens_received += getattr(usage, "completion_tokens", 0) or 0
        cost = 0.0 if self._engine.local else self._price(answer)
        self._cost = None if cost is None or self._cost is None else self._cost + cost

    def _price(self, answer: Any) -> float | None:
        if self._engine.model.info.get("input_cost_per_token") is None:
            return None
        cost = (getattr(answer, "_hidden_params", None) or {}).get("response_cost")
        return None if cost is None else float(cost)


def estimate(engine: EngineModel, messages: list[Any]) -> Estimate:
    """What a call with these messages takes, with an answer of usual length."""
    sent = count_tokens(engine, messages)
    prices = engine.model.info.get("input_cost_per_token"), engine.model.info.get("output_cost_per_token")
    if prices[0] is None or prices[1] is None:
        return Estimate(sent + USUAL_ANSWER, None)
    return Estimate(sent + USUAL_ANSWER, sent * prices[0] + USUAL_ANSWER * prices[1])


def count_tokens(engine: EngineModel, what: Any) -> int:
    """As the model's own tokenizer counts, where litellm has it; else as OpenAI's."""
    return int(engine.model.token_count(what) or 0)


def has_price(engine: EngineModel) -> bool:
    """Whether it is known what the model costs."""
    return engine.local or engine.model.info.get("input_cost_per_token") is not None


def stop_the_run(engine: EngineModel, failure: Failure) -> ProviderFailed:
    """The error that ends a run over this failure."""
    return ProviderFailed(f"{engine.name}: {failure.reason}.", engine.cure(failure))


USUAL_ANSWER = 500
"""Tokens: a sentence and an edit block or two. What an answer really took is counted when it is there."""
_IMPORT = threading.Lock()
_PAUSES = (0.5, 1.5)
"""Seconds before the second and the third try."""
_LONGEST_WAIT = 30.0
"""Seconds. A provider that asks for more is better asked again by a person."""
_HAVE_DEFAULTS = frozenset({"OLLAMA_API_BASE"})
_OLLAMA = ("ollama/", "ollama_chat/")


def _cut_off_model_lists() -> None:
    """Prices come from the list inside litellm; no list is fetched, and nothing is kept in the home directory."""
    from aider.models import model_info_manager as manager

    manager._cache_loaded = True  # noqa: SLF001
    manager._update_cache = lambda: None  # noqa: SLF001
    manager.openrouter_manager.get_model_info = lambda model: {}
    manager.fetch_openrouter_model_info = lambda model: {}
    look_up = type(manager).get_model_info
    free = {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0, "litellm_provider": "ollama"}
    # Asking litellm about an Ollama model is a request to its server.
    manager.get_model_info = lambda model: free if model.startswith(_OLLAMA) else look_up(manager, model)


def _price_at_nothing(local_name: str) -> None:
    from aider.models import model_info_manager

    model_info_manager.local_model_metadata[local_name] = {
        "litellm_provider": PROVIDER,
        "mode": "chat",
        "input_cost_per_token": 0.0,
        "output_cost_per_token": 0.0,
    }


def _format_for(name: str) -> str:
    """Small models get SEARCH blocks wrong more often than not; files written out whole they get right."""
    size = re.search(r"[-:_](\d+(?:\.\d+)?)b\b", name.lower())
    return "whole" if size and float(size[1]) <= _SMALL else "diff"


_SMALL = 8
"""Thousand million parameters."""


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


def _suggestion(name: str) -> str:
    import litellm
    from aider.models import MODEL_ALIASES

    close = get_close_matches(name, [*MODEL_ALIASES, *litellm.model_cost, "offline"], 1)
    meant = f"Did you mean {close[0]}? " if close else ""
    return f"{meant}Write it as provider/model, for example openai/gpt-4o or ollama/qwen2.5-coder."


def _temperatures(body: Mapping[str, Any]) -> Iterator[float]:
    """The temperature in a request; some providers' formats have it in a section such as `generationConfig`."""
    if isinstance(body.get("temperature"), int | float):
        yield body["temperature"]
    for section in body.values():
        if isinstance(section, Mapping):
            yield from _temperatures(section)


def _refuse_useless(answer: Any) -> None:
    """Aider takes all of these for a normal reply, or reports nothing at all."""
    choices = getattr(answer, "choices", None)
    if not choices:
        raise Stopped(EMPTY)
    choice = choices[0]
    if choice.finish_reason == "length":
        raise Stopped(CUT)
    if (choice.message.content or "").strip():
        return
    if choice.finish_reason == "content_filter":
        raise Stopped(WITHHELD)
    raise Stopped(REFUSED if getattr(choice.message, "refusal", None) else EMPTY)
