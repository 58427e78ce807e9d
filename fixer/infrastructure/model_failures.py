"""Names what went wrong with a call to a model, from whatever exception reached us. Knows no engine."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from enum import Enum


class Gravity(Enum):
    """What a failure means for the attempts after it."""

    ATTEMPT = "attempt"
    """This attempt is lost, the next may do better."""
    REPEATED = "repeated"
    """As ATTEMPT once; when it happens twice running, there is no use in going on."""
    PASSING = "passing"
    """Worth another try within seconds; when that does not help either, the run is over."""
    FATAL = "fatal"
    """Every later call would fail the same way."""


@dataclass(frozen=True)
class Failure:
    """A named failure: `reason` for the record, `cure` for a person.

    `{key}`, `{base}` and `{model}` in the cure are filled in by whoever knows them.
    """

    reason: str
    gravity: Gravity
    cure: str = ""
    retry_after: float | None = None
    """Seconds that the provider asked us to wait."""
    about_temperature: bool = False
    room: int | None = None
    """Tokens of the context window, where the failure tells."""


EMPTY = Failure("the model's answer was empty", Gravity.ATTEMPT)
WITHHELD = Failure("the model's answer was withheld by a content filter", Gravity.ATTEMPT)
REFUSED = Failure("the model refused to answer", Gravity.ATTEMPT)
CUT = Failure("the model's answer was cut off at its length limit", Gravity.ATTEMPT)
TOO_LONG = Failure("the prompt exceeds the model's context window", Gravity.ATTEMPT)
NO_ROOM = Failure(
    "the model's context window is smaller than the smallest prompt",
    Gravity.FATAL,
    "Serve {model} with a larger one, or choose another model with --model.",
)
PROSE = Failure("the model answered without an edit", Gravity.ATTEMPT)


def name_failure(raised: BaseException, timeout: float) -> Failure:
    """What this exception says; `timeout` (seconds) is what the call was given."""
    chain = tuple(_chain(raised))
    failure = _by_transport(chain, timeout) or _by_words(chain) or _by_status(chain)
    return replace(failure or _unknown(raised), retry_after=_retry_after(chain), room=_room(chain))


def scrub(text: str) -> str:
    """The text without anything that looks like, or is known to be, a secret."""
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST_SECRET and name.upper().endswith(_SECRET_NAMES):
            text = text.replace(value, "***")
    return _LOOKS_SECRET.sub(lambda found: f"{next(filter(None, found.groups()))}***", text)


_SHORTEST_SECRET = 6
_SECRET_NAMES = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")
# A hyphen, or digits far behind, because `skip_all` and `task_list` are code; a password only in front of an @.
_LOOKS_SECRET = re.compile(
    r"""(\b(?:sk|pk|gsk|xai)-)[\w-]{6,}|(\b(?:sk|pk|gsk|xai)_)(?=\w*\d)\w{16,}|(\bAIza)[\w-]{20,}"""
    r"""|(//[^/\s:@]*:)[^\s@'",/]+(?=@)|(\b[Bb]earer\s+)(?=\S*[\d.])[^\s'",]{6,}"""
)
_CHECK_BASE = "Check {base} and the network, or use --model offline, which needs none."
_OTHER_MODEL = "choose another model with --model."
_UNAUTHORISED = Failure("unauthorised (401): the provider refused the key", Gravity.FATAL, "Check {key}.")
_NO_CREDIT = Failure("quota exhausted", Gravity.FATAL, f"Check the plan and billing behind {{key}}, or {_OTHER_MODEL}")
_REFUSED_CONNECTION = Failure("connection refused", Gravity.PASSING, f"Nothing answers there. {_CHECK_BASE}")
_UNREACHABLE = Failure("the provider cannot be reached", Gravity.PASSING, _CHECK_BASE)
_DROPPED = Failure("connection dropped", Gravity.PASSING, _CHECK_BASE)
_NO_ANSWER = "Check {base}: what answers there is not a model's provider. An address usually ends in /v1."
_GARBAGE = Failure(
    "the provider sent something that is no model's answer (HTML or broken JSON)", Gravity.PASSING, _NO_ANSWER
)
_WEB_PAGE = Failure("a web page answers there (404), and no model", Gravity.FATAL, _NO_ANSWER)
_ENDLESS = Failure("the provider's answer did not end: more came than any model says", Gravity.FATAL, _NO_ANSWER)
_NO_CHAT = Failure(
    "the model does not chat, and fixer can talk to it in no other way",
    Gravity.FATAL,
    f"{{model}} is of another kind: {_OTHER_MODEL}",
)
_NO_TEMPERATURE = Failure("the model takes no temperature", Gravity.REPEATED, f"Please {_OTHER_MODEL}", None, True)

_BY_STATUS = {
    401: _UNAUTHORISED,
    402: _NO_CREDIT,
    403: Failure("forbidden (403): the key may not use this model", Gravity.FATAL, f"Check {{key}}, or {_OTHER_MODEL}"),
    404: Failure("model not found (404)", Gravity.FATAL, "Check the name {model} and {base}."),
    408: Failure("timed out", Gravity.REPEATED, "Raise --model-timeout, or " + _OTHER_MODEL),
    413: TOO_LONG,
    429: Failure("rate limited (429)", Gravity.PASSING, f"Wait a while and run fixer again, or {_OTHER_MODEL}"),
}
_BY_WORDS = (
    (r"context.?length|context.?window|context.?size|maximum context|too many tokens|prompt is too long", TOO_LONG),
    (r"insufficient.?(quota|credit|balance|funds)|exceeded your current quota|billing", _NO_CREDIT),
    (r"safety system|content.?policy|content.?filter|content management policy", WITHHELD),
    (r"api.?key not valid|invalid.?api.?key|incorrect api key", _UNAUTHORISED),
    (r"empty or invalid response|expecting (value|property name)|jsondecodeerror|<html|<!doctype", _GARBAGE),
)


def _chain(raised: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = raised
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def _by_transport(chain: tuple[BaseException, ...], timeout: float) -> Failure | None:
    # The class names are those of the standard library, httpx, httpcore, the providers' own clients and our wire.
    names = {type(link).__name__ for link in chain}
    if "EndlessAnswer" in names:
        return _ENDLESS
    if names & {"Timeout", "APITimeoutError", "ReadTimeout", "TimeoutError", "ConnectTimeout"}:
        return replace(_BY_STATUS[408], reason=f"timed out after {timeout:g} s")
    if "ConnectionRefusedError" in names:
        return _REFUSED_CONNECTION
    if names & {"gaierror", "ConnectError", "SSLError"}:
        return _UNREACHABLE
    if names & {"RemoteProtocolError", "ReadError", "ConnectionResetError", "BrokenPipeError"}:
        return _DROPPED
    return None


def _by_words(chain: tuple[BaseException, ...]) -> Failure | None:
    status, words = _status(chain), _words(chain)
    if status in (400, 404, 422) and re.search(_SAYS_NO_CHAT, words):
        return _NO_CHAT
    if status == _NOT_FOUND and re.search(r"<html|<!doctype", words):
        return _WEB_PAGE
    if status in (401, 403, 404):
        return None
    if status in (400, 422) and "temperature" in words:
        return _NO_TEMPERATURE
    return next((failure for pattern, failure in _BY_WORDS if re.search(pattern, words)), None)


def _words(chain: tuple[BaseException, ...]) -> str:
    return " ".join(f"{link} {getattr(link, 'code', '') or ''} {type(link).__name__}" for link in chain).lower()


def _room(chain: tuple[BaseException, ...]) -> int | None:
    """The size that a refusal for length names, whatever the server's words for it."""
    found = next((found for pattern in _ROOMS if (found := re.search(pattern, _words(chain)))), None)
    return int(found[1].replace(",", "")) if found else None


_NOT_FOUND = 404
_SAYS_NO_CHAT = r"not a chat model|not support(ed by|ing)? (the )?chat|only supported in v1/(responses|completions)"
_ROOMS = (
    r"(?:context (?:length|window|size)|max_model_len|n_ctx)\D{0,30}?(\d[\d,]{2,})",
    r"tokens > (\d[\d,]{2,}) maximum",
)


def _by_status(chain: tuple[BaseException, ...]) -> Failure | None:
    status = _status(chain)
    if status == _NOT_FOUND:
        named = _BY_STATUS[status]
        return replace(named, reason=f"{named.reason}: {said}" if (said := _first_line(chain[0])) else named.reason)
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status in (400, 422):
        said = f"the provider rejected the request ({status}): {_first_line(chain[0])}"
        return Failure(said, Gravity.REPEATED, f"Check the name {{model}}, or {_OTHER_MODEL}")
    if status and status >= 500:
        said = f"server error ({status}): {_first_line(chain[0])}"
        return Failure(said, Gravity.PASSING, f"Try again later, or {_OTHER_MODEL}")
    return None


def _unknown(raised: BaseException) -> Failure:
    said = f"{type(raised).__name__}: {_first_line(raised)}"
    return Failure(f"the call to the model failed: {said}", Gravity.REPEATED, f"Check {{base}}, or {_OTHER_MODEL}")


def _status(chain: tuple[BaseException, ...]) -> int | None:
    statuses = (getattr(link, "status_code", None) for link in chain)
    return next((status for status in statuses if isinstance(status, int) and status >= 400), None)


def _first_line(raised: BaseException) -> str:
    line = next(iter(str(raised).strip().splitlines()), "")
    # "litellm.InternalServerError: InternalServerError: OpenAIException - oops": only the provider's words matter.
    return scrub(line.rpartition("Exception - ")[2])[:200]


def _retry_after(chain: tuple[BaseException, ...]) -> float | None:
    for link in chain:
        response = getattr(link, "response", None)
        for headers in (getattr(link, "litellm_response_headers", None), getattr(response, "headers", None)):
            asked = _seconds(headers or {})
            if asked is not None:
                return asked
    return None


def _seconds(headers: Mapping[str, str]) -> float | None:
    """RFC 9110, section 10.2.3: seconds or a date; OpenAI and Azure also tell milliseconds."""
    precise, asked = str(headers.get("retry-after-ms", "")), str(headers.get("retry-after", ""))
    if re.fullmatch(_NUMBER, precise):
        return float(precise) / 1_000
    if re.fullmatch(_NUMBER, asked):
        return float(asked)
    try:
        until = parsedate_to_datetime(asked)
    except (TypeError, ValueError):
        return None
    return max(0.0, until.timestamp() - time.time())


_NUMBER = r"\d+(\.\d+)?"
