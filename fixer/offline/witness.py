"""Notes what calls of one function gave; sent into the project's interpreter as text, so it stands alone.

`watch` is called at the end of the module that defines the function. Python 3.8 and newer.
"""

from __future__ import annotations

import copy
import json
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_MOST_CALLS = 60
_MOST_TRIALS = 150
_SLOW_SECONDS = 0.02
_LONGEST = 300
_ADDRESS = re.compile(" at 0x[0-9a-fA-F]+")


def watch(names: dict[str, Any], path: str, out: str, trials: bool) -> None:
    """Wrap the function that `path`, dotted, names in a module; one JSON line of `out` for each outermost call.

    With `trials` it is called on inputs a little different from the real ones, too.
    """
    *owners, last = path.split(".")
    owner: Any = None
    for part in owners:
        owner = getattr(owner, part) if owner else names[part]
    found = vars(owner).get(last) if owner else names.get(last)
    if not callable(found):
        return  # a property or a static method: it runs, but is not watched
    wrapped = _watched(found, out, trials)
    if owner:
        setattr(owner, last, wrapped)
    else:
        names[last] = wrapped


def _watched(function: Callable[..., Any], out: str, trials: bool) -> Callable[..., Any]:
    import functools

    state = {"depth": 0, "calls": 0, "trials": 0}

    @functools.wraps(function)
    def watched(*args: Any, **named: Any) -> Any:
        if state["depth"] or state["calls"] >= _MOST_CALLS:
            return function(*args, **named)
        state["depth"], state["calls"] = 1, state["calls"] + 1
        try:
            given, kept = _call(args, named), _copied((args, named))
            began = time.perf_counter()
            try:
                result = function(*args, **named)
            except Exception as error:
                _note(out, given, "raised " + type(error).__name__)
                raise
            left = _call(args, named)
            _note(out, given, _shown(result) + (f", leaving {left}" if left != given else ""))
            if trials and kept and _is_plain(kept) and time.perf_counter() - began < _SLOW_SECONDS:
                _try_others(function, kept, out, state)
            return result
        finally:
            state["depth"] = 0

    return watched


def _try_others(function: Callable[..., Any], kept: Any, out: str, state: dict[str, int]) -> None:
    chance = random.Random(_shown(kept))  # noqa: S311 - the same inputs for every edit
    for _ in range(8):
        if state["trials"] >= _MOST_TRIALS:
            return
        state["trials"] += 1
        args, named = copy.deepcopy(kept)
        args, named = (_mutated(args, chance), named) if args else (args, _mutated(named, chance))
        given = _call(args, named)
        began = time.perf_counter()
        try:
            outcome = _shown(function(*args, **named))
        except Exception as error:  # noqa: BLE001 - whatever the program does
            outcome = "raised " + type(error).__name__
        _note(out, "?" + given, outcome)
        if time.perf_counter() - began > _SLOW_SECONDS:
            state["trials"] = _MOST_TRIALS


def _note(out: str, given: str, outcome: str) -> None:
    with Path(out).open("a", encoding="utf-8") as file:
        file.write(json.dumps([given, outcome]) + "\n")


def _call(args: Any, named: Any) -> str:
    return ", ".join([*map(_shown, args), *(f"{name}={_shown(value)}" for name, value in named.items())])


def _shown(value: Any) -> str:
    try:
        return _ADDRESS.sub("", repr(value))[:_LONGEST]
    except Exception as error:  # noqa: BLE001 - a repr may do anything
        return "unshowable " + type(error).__name__


def _copied(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except Exception:  # noqa: BLE001 - not everything can be copied
        return None


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple, set, frozenset)):
        return type(value) in (list, tuple, set, frozenset) and all(map(_is_plain, value))
    if type(value) is dict:
        return all(map(_is_plain, value)) and all(map(_is_plain, value.values()))
    return value is None or type(value) in (int, float, str, bool, bytes, complex)


def _mutated(value: Any, chance: random.Random) -> Any:
    """A plain value of the same type with one thing in it different."""
    kind = type(value)
    if kind is bool:
        return not value
    if kind is int:
        return value + chance.choice((-2, -1, 1, 2, 5))
    if kind is float:
        return chance.choice((value + 1, value / 2, -value, 0.0))
    if kind is str:
        at = chance.randrange(len(value) + 1)
        return chance.choice((value[:at] + value[at + 1 :], value[at:] + value[:at], value + value[at : at + 1], ""))
    if kind is dict and value:
        key = chance.choice(list(value))
        return {**value, key: _mutated(value[key], chance)}
    if kind is list:
        return _resized(value, chance)
    if kind is tuple and value:
        at = chance.randrange(len(value))
        return (*value[:at], _mutated(value[at], chance), *value[at + 1 :])
    return value


def _resized(value: list[Any], chance: random.Random) -> list[Any]:
    if not value:
        return value
    at = chance.randrange(len(value))
    changed = [*value[:at], _mutated(value[at], chance), *value[at + 1 :]]
    return chance.choice((changed, value[:at] + value[at + 1 :], value[at:] + value[:at], [*value, value[at]], []))
