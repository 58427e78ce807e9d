"""The model behind Aider: found by its name, and checked without a network."""

from __future__ import annotations

import gc
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from fixer.domain.errors import ProviderFailed, UsageError
from fixer.infrastructure.litellm_provider import PROVIDER, LocalProvider
from fixer.infrastructure.model_failures import Failure, scrub
from fixer.infrastructure.wire import bound_answers

ENGINE_VARIABLES = frozenset(
    {"LITELLM_LOCAL_MODEL_COST_MAP", "LITELLM_MODE", "OR_SITE_URL", "OR_APP_NAME", "TIKTOKEN_CACHE_DIR"}
)
"""What importing the engine puts into os.environ; tests that we run should not see it."""


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
    most_context: int = 0
    """Tokens of context that it has room for, learned from what was too much; 0: whatever the settings allow."""
    answers: list[int] = field(default_factory=list)
    """Tokens of each of its answers in this run."""

    @property
    def name(self) -> str:
        """The full name, aliases resolved."""
        return str(self.model.name)

    @property
    def room(self) -> int | None:
        """Tokens that may be sent at once, where litellm knows."""
        return None if self.local else self.model.info.get("max_input_tokens")

    @property
    def usual_answer(self) -> int:
        """Tokens: the mean of its answers so far."""
        return round(sum(self.answers) / len(self.answers)) if self.answers else USUAL_ANSWER

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
    with _IMPORT, _all_kept():
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
        bound_answers()
        _cut_off_model_lists()


@contextmanager
def _all_kept() -> Iterator[None]:
    """What is imported stays: to look among it for what could go takes a fifth of the time of importing it."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


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
    kind = engine.model.info.get("mode") or "chat"
    if kind not in _ANSWERING:
        raise UsageError(f"The model {engine.name} does not chat: it is for {kind.replace('_', ' ')}.", _ANOTHER)
    missing = [key for key in engine.model.missing_keys or () if key not in _HAVE_DEFAULTS]
    key = f"{engine.provider}_API_KEY"
    if key in os.environ and not os.environ[key].strip():
        missing.append(key)
    if missing:
        names = " and ".join(dict.fromkeys(missing))
        cure = f"Set it (export {missing[0]}=...), or use --model offline, which needs no key."
        raise UsageError(f"The model {engine.name} needs {names}, which is not set in the environment.", cure)


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
"""Tokens of a model's first answer: a sentence and an edit block or two."""
_IMPORT = threading.Lock()
_ANSWERING = ("chat", "completion", "responses")
"""The kinds of models, in litellm's words, that can be asked for an edit."""
_ANOTHER = "Choose another with --model, or use --model offline."
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


def _suggestion(name: str) -> str:
    import litellm
    from aider.models import MODEL_ALIASES

    close = get_close_matches(name, [*MODEL_ALIASES, *litellm.model_cost, "offline"], 1)
    meant = f"Did you mean {close[0]}? " if close else ""
    return f"{meant}Write it as provider/model, for example openai/gpt-4o or ollama/qwen2.5-coder."
