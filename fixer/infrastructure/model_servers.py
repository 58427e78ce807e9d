"""Finds servers of models on this machine: Ollama, and whatever speaks OpenAI's protocol on a usual port."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

SECONDS = 1.0
"""For one question; what is on this machine answers at once."""
OLLAMA = "http://127.0.0.1:11434"
USUAL = tuple(f"http://127.0.0.1:{port}/v1" for port in (1234, 4000, 5000, 8000, 8080, 8111, 8888))
"""Where LM Studio, LiteLLM, text-generation-webui, vLLM, llama.cpp and others listen unless told otherwise."""


@dataclass(frozen=True)
class ServedModel:
    """A model that can be used: `--model` name, and the address to set for it where it needs one."""

    name: str
    context: int | None
    """Tokens; None where the server does not say."""
    base: str = ""


def servers_of(environ: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Where to look for Ollama, and for others: the usual places, and what the environment names on this machine."""
    ollama = environ.get("OLLAMA_API_BASE", "").rstrip("/")
    named = environ.get("OPENAI_API_BASE", "").rstrip("/")
    others = dict.fromkeys([named, *USUAL] if _is_here(named) else USUAL)
    return ollama if _is_here(ollama) else OLLAMA, tuple(others)


def find_models(ollama: str = OLLAMA, servers: Iterable[str] = USUAL) -> tuple[ServedModel, ...]:
    """All models of all servers that answer, Ollama's first. Only loopback is ever asked."""
    with ThreadPoolExecutor(8) as pool:
        of_ollama = pool.submit(lambda: list(_of_ollama(ollama)))
        others = pool.map(lambda base: list(_of_openai(base)), servers)
        return (*of_ollama.result(), *(model for found in others for model in found))


def _is_here(address: str) -> bool:
    try:
        host = urlsplit(address).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _of_ollama(base: str) -> Iterator[ServedModel]:
    for entry in _listed(_ask(f"{base}/api/tags"), "models"):
        if isinstance(entry.get("name"), str):
            yield ServedModel(f"ollama_chat/{entry['name']}", _ollama_context(base, entry["name"]))


def _ollama_context(base: str, name: str) -> int | None:
    said = _ask(f"{base}/api/show", {"model": name})
    info = said.get("model_info") if isinstance(said, dict) else None
    lengths = (info or {}).items() if isinstance(info, dict) else ()
    return next((value for key, value in lengths if key.endswith(".context_length") and isinstance(value, int)), None)


def _of_openai(base: str) -> Iterator[ServedModel]:
    for entry in _listed(_ask(f"{base}/models"), "data"):
        if isinstance(entry.get("id"), str):
            yield ServedModel(f"openai/{entry['id']}", _openai_context(entry), base)


def _openai_context(entry: dict[str, Any]) -> int | None:
    """vLLM, LM Studio and llama.cpp each have a word of their own for it."""
    meta = entry.get("meta")
    places = [entry, meta] if isinstance(meta, dict) else [entry]
    words = ("max_model_len", "max_context_length", "context_length", "n_ctx_train", "n_ctx")
    return next((place[word] for place in places for word in words if isinstance(place.get(word), int)), None)


def _listed(answer: object, key: str) -> list[dict[str, Any]]:
    entries = answer.get(key) if isinstance(answer, dict) else None
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _ask(address: str, body: dict[str, str] | None = None) -> object:
    """What the server answers, as JSON; None where none does. No proxy is asked for what is on this machine."""
    data = json.dumps(body).encode() if body else None
    request = Request(address, data, {"Content-Type": "application/json"})  # noqa: S310  # loopback, http
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=SECONDS) as answer:
            return json.loads(answer.read(_MOST))
    except (URLError, OSError, ValueError):
        return None


_MOST = 5_000_000
"""Bytes."""
