"""Sends one tiny request to a model, and tells what came of it: time, price, temperature."""

from __future__ import annotations

import time
from dataclasses import dataclass

from fixer.domain.errors import UsageError
from fixer.domain.ladder import Rung
from fixer.infrastructure import aider_model
from fixer.infrastructure.aider_calls import Calls, Interrupted, Stopped
from fixer.infrastructure.litellm_provider import LocalProvider
from fixer.infrastructure.quiet import Quiet

QUESTION = [{"role": "user", "content": "Answer with the one word: ready"}]


@dataclass(frozen=True)
class Trial:
    """What one request has shown. `cost_usd` is None where the price is unknown."""

    model: str
    seconds: float
    cost_usd: float | None
    takes_temperature: bool
    context: int | None
    """Tokens that fit in, where that is known."""
    edit_format: str


def try_model(name: str, timeout: float) -> Trial:
    """Ask once. Raises UsageError, ProviderFailed."""
    with Quiet():
        aider_model.import_engine()
        engine = aider_model.load_model(name, LocalProvider({}), timeout)
        aider_model.check(engine)
        calls = Calls(engine, Rung(engine.name, 0.4), lambda text: None)
        started = time.monotonic()
        try:
            calls.send(list(QUESTION), None, False)  # as Aider calls it
        except Stopped as stopped:
            raise aider_model.stop_the_run(engine, stopped.failure) from None
        except Interrupted:
            raise KeyboardInterrupt from None
        usage = calls.usage
    context = engine.model.info.get("max_input_tokens")
    seconds = time.monotonic() - started
    return Trial(engine.name, seconds, usage.cost_usd, usage.temperature is not None, context, engine.edit_format)


def refuse_local(name: str) -> None:
    """The offline model needs no trial. Raises UsageError."""
    if name in ("offline", "fixer/offline"):
        raise UsageError("The offline model is always ready: there is nothing to try.", "fixer demo")
