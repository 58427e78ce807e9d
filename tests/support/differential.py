"""Compares two versions of a function on inputs mutated from those that the tests pass; run as a program of its own.

Reads one JSON request from standard input: `project`, `tests`, `file`, `functions`, `reference`, `accepted`,
`candidate`, `wanted`, `seed`, `strict`. Prints JSON: how many inputs both were called on, and the first on which they
differ. Only what all `accepted` programs do as the reference does is asked for: where one of them gives something else
the task leaves it open, and where one leaves something else of its arguments only what is returned counts. Without
`strict`, sequences that are sorted in every call of the tests stay so, and what a function that returns something
leaves of its arguments does not count.
"""

from __future__ import annotations

import copy
import io
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from random import Random
from types import FrameType, ModuleType
from typing import Any

_SECONDS = 1.0
"""Of CPU for one call: a busy machine must not make a right program seem a slow one."""
_SECONDS_IN_ALL = 60.0
"""Of CPU: after that, what was compared has to do."""
_FEW = 2
Call = tuple[str, tuple[Any, ...]]
Place = tuple[str, int]
"""An argument of a function, by its position."""


def main() -> None:
    """Record, mutate, compare."""
    request = json.load(sys.stdin)
    out = os.dup(1)
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        answer = _compare(request)
    os.write(out, json.dumps(answer).encode())
    os._exit(0)


def _compare(request: dict[str, Any]) -> dict[str, Any]:
    os.chdir(request["project"])
    calls = _recorded(request)
    reference, candidate = (_module(request, request[which]) for which in ("reference", "candidate"))
    accepted = [_module(request, text) for text in request["accepted"]]
    compared, strict = 0, request["strict"]
    in_order = set[Place]() if strict else _always_sorted(calls)
    for name, arguments in _inputs(calls, request["wanted"] * 4, Random(request["seed"]), in_order):
        expected = _outcome(getattr(reference, name, None), arguments)
        if expected is None or expected[0] == "raised":
            continue  # not an input that the function is for
        also = [other for one in accepted if (other := _outcome(getattr(one, name, None), arguments))]
        if not all(_same(expected, other, strict=False) for other in also):
            continue
        found = _outcome(getattr(candidate, name, None), arguments)
        compared += 1
        wholly = strict and all(_same(expected, other, strict=True) for other in also)
        if found is None or not _same(expected, found, strict=wholly):
            return {"compared": compared, "differ": f"{name}{arguments!r}: {expected!r}, not {found!r}"[:500]}
        if compared >= request["wanted"] or time.process_time() > _SECONDS_IN_ALL:
            break
    return {"compared": compared, "differ": ""}


def _recorded(request: dict[str, Any]) -> list[Call]:
    """What the tests call the functions with, while they run on the reference, which stands in the project."""
    import pytest

    calls: list[Call] = []

    class Recorder:
        def pytest_collection_finish(self, session: pytest.Session) -> None:
            modules = {item.module for item in session.items if isinstance(item, pytest.Function)}
            for module in modules:
                for name, value in list(vars(module).items()):
                    if getattr(value, "__name__", "") in request["functions"]:
                        setattr(module, name, _recording(value, calls))

    pytest.main(["-q", "-p", "no:cacheprovider", request["tests"]], plugins=[Recorder()])
    return calls


def _recording(function: Callable[..., Any], calls: list[Call]) -> Callable[..., Any]:
    def called(*arguments: Any, **named: Any) -> Any:
        if not named:
            with suppress(Exception):
                calls.append((function.__name__, copy.deepcopy(arguments)))
        return function(*arguments, **named)

    return called


def _module(request: dict[str, Any], text: str) -> ModuleType:
    module = ModuleType("program")
    exec(compile(text, request["file"], "exec", dont_inherit=True), vars(module))
    return module


def _always_sorted(calls: list[Call]) -> set[Place]:
    """The arguments that are sequences in order in all calls, and in some of them not trivially so."""
    given: dict[Place, list[Any]] = {}
    for name, arguments in calls:
        for place, value in enumerate(arguments):
            given.setdefault((name, place), []).append(value)
    return {place for place, values in given.items() if all(map(_is_sorted, values)) and any(map(_is_telling, values))}


def _is_sorted(value: Any) -> bool:
    return type(value) in (list, tuple) and _in_order(value) == value


def _is_telling(value: Any) -> bool:
    return len(value) > _FEW


def _in_order(value: Any) -> Any:
    try:
        return type(value)(sorted(value))
    except TypeError:
        return value


def _inputs(calls: list[Call], most: int, chance: Random, in_order: set[Place]) -> Iterator[Call]:
    yield from calls
    for _ in range(most if calls else 0):
        name, arguments = chance.choice(calls)
        arguments = copy.deepcopy(arguments)
        for _ in range(chance.choice((1, 1, 2, 3))):
            arguments = _mutated(arguments, chance)
        kept = (_in_order(value) if (name, at) in in_order else value for at, value in enumerate(arguments))
        yield name, tuple(kept)


def _mutated(value: Any, chance: Random) -> Any:
    """A value of the same kind, a little different."""
    kind = type(value)
    if kind is tuple:
        return tuple(_one_changed(list(value), chance))
    if kind is bool:
        return not value
    if kind is int:
        return value + chance.choice((-10, -3, -2, -1, 1, 2, 3, 10)) if chance.random() < 0.8 else chance.randint(0, 30)
    if kind is float:
        return chance.choice((value + 1, value - 1, value * 1.5, value / 3, -value, round(value)))
    if kind is str:
        return _text(value, chance)
    if kind is list:
        return _resized(value, chance) if chance.random() < 0.5 else _one_changed(value, chance)
    if kind in (set, frozenset):
        return kind(_resized(sorted(value, key=repr), chance))
    if kind is dict:
        return _changed_dict(value, chance)
    if hasattr(value, "__dict__"):
        return _rewired(value, chance)
    return value


def _one_changed(values: list[Any], chance: Random) -> list[Any]:
    if values:
        at = chance.randrange(len(values))
        values[at] = _mutated(values[at], chance)
    return values


def _resized(values: list[Any], chance: Random) -> list[Any]:
    at = chance.randrange(len(values) + 1)
    match chance.choice(("drop", "repeat", "swap", "cut", "grow")):
        case "drop":
            return values[:at] + values[at + 1 :]
        case "repeat" if values:
            return [*values[:at], copy.deepcopy(chance.choice(values)), *values[at:]]
        case "swap":
            return chance.sample(values, len(values))
        case "cut":
            return values[:at]
        case _ if values:
            return [*values, _mutated(copy.deepcopy(chance.choice(values)), chance)]
    return values


def _text(value: str, chance: Random) -> str:
    letters = sorted({*value}) or ["a", "1", " "]
    at = chance.randrange(len(value) + 1)
    return chance.choice(
        (
            value[:at] + chance.choice(letters) + value[at:],
            value[:at] + value[at + 1 :],
            value[at:] + value[:at],
            value[::-1],
            value[:at] + chance.choice("aeZ5 .") + value[at:],
            value.swapcase(),
        )
    )


def _changed_dict(value: dict[Any, Any], chance: Random) -> dict[Any, Any]:
    if not value:
        return value
    key = chance.choice(list(value))
    if chance.random() < 0.3:
        return {k: v for k, v in value.items() if k != key}
    return {**value, key: _mutated(value[key], chance)}


def _rewired(value: Any, chance: Random) -> Any:
    """An object graph with one attribute of one object in it set to what another object has there."""
    found = list(_reachable(value))
    chosen, other = chance.choice(found), chance.choice(found)
    name = chance.choice(sorted(vars(chosen)) or [""])
    if name and hasattr(other, name):
        setattr(chosen, name, chance.choice((copy.copy(getattr(other, name)), getattr(chosen, name), None)))
    return value


def _reachable(value: Any) -> Iterator[Any]:
    waiting, seen = [value], set()
    while waiting:
        found = waiting.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        if isinstance(found, list | tuple):
            waiting.extend(found)
        elif hasattr(found, "__dict__"):
            yield found
            waiting.extend(vars(found).values())


def _outcome(function: Callable[..., Any] | None, arguments: tuple[Any, ...]) -> tuple[str, Any] | None:
    """What a call gives, its generator drawn out and what it did to its arguments included; None where it is slow."""
    given = copy.deepcopy(arguments)
    signal.signal(signal.SIGPROF, _ring)
    signal.setitimer(signal.ITIMER_PROF, _SECONDS)
    try:
        if function is None:
            return ("raised", "NameError")
        result = function(*given)
        if hasattr(result, "__next__"):
            result = list(_first(result, 1000))
        return ("returned", (_plain(result), _plain(given)))
    except _TooSlowError:
        return None
    except Exception as error:  # noqa: BLE001 - whatever the program does
        return ("raised", type(error).__name__)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _first(values: Iterator[Any], most: int) -> Iterator[Any]:
    for _, value in zip(range(most), values, strict=False):
        yield value


class _TooSlowError(BaseException):
    pass


def _ring(signum: int, frame: FrameType | None) -> None:
    del signum, frame
    raise _TooSlowError


def _plain(value: Any, known: dict[int, int] | None = None) -> Any:
    """Something that can be compared by value: objects by what is in them, each counted once."""
    known = {} if known is None else known
    if isinstance(value, list | tuple):
        return type(value)(_plain(part, known) for part in value) if type(value) in (list, tuple) else repr(value)
    if isinstance(value, dict):
        return {repr(_plain(key, known)): _plain(part, known) for key, part in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(repr(_plain(part, known)) for part in value)
    if not hasattr(value, "__dict__"):
        return value
    if id(value) in known:
        return ("seen", known[id(value)])
    known[id(value)] = len(known)
    return (type(value).__name__, {name: _plain(part, known) for name, part in vars(value).items()})


def _same(expected: tuple[str, Any], found: tuple[str, Any], *, strict: bool) -> bool:
    if expected[0] != found[0]:
        return False
    if not strict and expected[1][0] is not None:
        return _equal(expected[1][0], found[1][0])
    return _equal(expected[1], found[1])


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float | int):
        return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9) or (math.isnan(a) and math.isnan(b))
    if isinstance(a, list | tuple) and isinstance(b, type(a)):
        return len(a) == len(b) and all(map(_equal, a, b))
    return bool(a == b)


if __name__ == "__main__":
    main()
