"""Lets models that run on this machine answer through litellm, as the provider `fixer`, like any other model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fixer.application.ports import LocalModel, RepairRequest

PROVIDER = "fixer"


class LocalModelFailed(BaseException):
    """A local model raised `reason`. No Exception, because litellm and Aider would swallow one or ask again."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


class LocalProvider:
    """Answers from `models`, by their short names, what `request` asks; free of charge."""

    def __init__(self, models: Mapping[str, LocalModel]) -> None:
        self._models = models
        self.request: RepairRequest | None = None

    def full_name(self, model: str) -> str:
        """`fixer/NAME` for the short or the full name of a local model, empty for any other."""
        short = model.removeprefix(f"{PROVIDER}/")
        return f"{PROVIDER}/{short}" if short in self._models else ""

    def register(self) -> None:
        """Make litellm ask us for models of this provider."""
        import litellm

        answer = self._answer

        class _Handler(litellm.CustomLLM):  # type: ignore[misc]
            def completion(self, *args: object, model: str, model_response: Any, **kwargs: object) -> Any:
                del args, kwargs
                model_response.choices[0].message.content = answer(model)
                model_response.choices[0].finish_reason = "stop"
                model_response.usage = litellm.Usage(prompt_tokens=0, completion_tokens=0, total_tokens=0)
                return model_response

        others = [entry for entry in litellm.custom_provider_map if entry["provider"] != PROVIDER]
        litellm.custom_provider_map = [*others, {"provider": PROVIDER, "custom_handler": _Handler()}]

    def _answer(self, model: str) -> str:
        if self.request is None:
            raise LookupError("a local model was called without a request")
        try:
            return self._models[model].answer(self.request)
        except Exception as failed:
            raise LocalModelFailed(failed) from failed
