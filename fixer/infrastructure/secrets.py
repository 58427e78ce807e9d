"""Takes keys, tokens, passwords and private keys out of text before it leaves the machine or is remembered."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from fixer.infrastructure.model_failures import scrub

MASK = "***"


def mask(text: str) -> str:
    """The text without secrets; every one of them is three asterisks, and lines stay lines."""
    text = _JWT.sub(MASK, _PRIVATE_KEY.sub(_without_body, scrub(text)))
    if not _MAY_HOLD_ONE.search(text):
        return text
    return "".join(_mask_line(line) for line in text.splitlines(keepends=True))


@lru_cache(maxsize=8_192)
def _mask_line(line: str) -> str:
    """Prompts repeat the same lines; each is looked at once."""
    if len(line) > _LONGEST:
        return "".join(_mask_line(line[at : at + _LONGEST]) for at in range(0, len(line), _LONGEST))
    for pattern in _known_forms():
        line = pattern.sub(_hidden, line)
    return _ASSIGNED.sub(lambda found: found[0] if _is_code(found[2]) else f"{found[1]}{MASK}", line)


@lru_cache(maxsize=1)
def _known_forms() -> tuple[re.Pattern[str], ...]:
    """Of all detectors that know a form. Those that go by entropy alone would hide every digest that a test expects."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

    found: Any = get_mapping_from_secret_type_to_class().values()
    asked = (detector for detector in found if detector.__name__ not in _NOT_ASKED)
    return tuple(pattern for detector in asked for pattern in getattr(detector, "denylist", ()) or ())


def _hidden(found: re.Match[str]) -> str:
    """A group of some length is the secret, and what is around it says what it is; else it is the whole."""
    secret = max((group or "" for group in found.groups()), key=len, default="")
    return found[0].replace(secret, MASK) if len(secret) >= _SHORTEST else MASK


_NOT_ASKED = frozenset(
    {"Base64HighEntropyString", "HexHighEntropyString", "IPPublicDetector", "KeywordDetector", "PrivateKeyDetector"}
)
# The detector finds them without their last third.
_JWT = re.compile(r"\beyJ[\w=-]+\.[\w=-]+(\.[\w=-]+)?")
_PRIVATE_KEY = re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY[A-Z ]*-----)(.*?)(-----END|\Z)", re.DOTALL)
# What an environment dump, a configuration or a literal in source looks like.
_ASSIGNED = re.compile(
    r"""(?ix) ( \b [\w.-]* (?: api_?key | secret | passw(?:or)?d | token | private_?key | access_?key ) [\w-]*
        ['"]? \s* (?: =>? | : ) \s* [rbuf]* ['"]? ) ( [^\s'",;)\]}]{6,} )"""
)
_MAY_HOLD_ONE = re.compile(r"(?i)key|secret|passw|token|auth|://|[A-Za-z0-9_+/=.-]{16,}")
_SHORTEST = 6
_LONGEST = 5_000
"""Characters that the detectors are given at once: some take long for long lines."""


def _without_body(found: re.Match[str]) -> str:
    body = "".join("\n" if character == "\n" else "" for character in found[2])
    return f"{found[1]}{MASK}{body}{found[3]}"


def _is_code(value: str) -> bool:
    """A name, an attribute, a call or a type, and not a literal: what a program does with its secrets."""
    return bool(_CODE.fullmatch(value)) or value == MASK


_CODE = re.compile(r"[A-Za-z_][A-Za-z_]*(\.[A-Za-z_]+)*([(\[].*)?|\*+")
