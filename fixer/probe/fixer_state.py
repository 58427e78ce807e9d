"""Knows what the modules of the project hold, tells whether that has changed, and puts it back."""

import contextlib
import functools
import gc
import operator
import types

from fixer_modules import own_modules  # type: ignore[import-not-found]

_CONTAINERS = (dict, list, set, bytearray)
_DEPTH, _MANY = 3, 100
"""How deep a look goes into containers, and into how many of their elements at the most."""
_LARGE = 10000
"""Elements, beyond which only their number is looked at."""


class State:
    """The modules, their classes and the objects of both, as they are when it is made."""

    def __init__(self):
        self._caches = []
        self.look()

    def look(self):
        """Once more, where other modules have been loaded."""
        self._held = {}
        modules = own_modules()
        values = [value for module in modules for value in vars(module).values()]
        classes = [value for value in values if _is_a(value, type)]
        values += [value for one in classes for value in vars(one).values()]
        objects = [names for names in map(_names_of, values) if names is not None]
        values += [value for names in objects for value in names.values()]
        for holder in [vars(module) for module in modules] + classes + objects:
            self._hold(holder)
        for value in [value for value in values if _is_a(value, _CONTAINERS)]:
            self._look_into(value, _DEPTH)
        # What is frozen (`gc.freeze`) is not seen again.
        self._caches += [one for one in gc.get_objects() if type(one) is functools._lru_cache_wrapper]

    def include(self, items):
        """The parameters of these tests too, as they are now."""
        specs = (getattr(item, "callspec", None) for item in items)
        for value in [value for spec in specs for value in getattr(spec, "params", {}).values()]:
            self._look_into(value, _DEPTH)

    def put_back(self):
        """Let everything hold again what it held; whether that was possible, as far as can be seen."""
        changed = [held for held in self._held.values() if not held.is_same()]
        for held in changed:
            with contextlib.suppress(Exception):  # the project's own classes may refuse to be changed
                held.put_back()
        return all(held.is_same() for held in changed)

    def forget_results(self):
        """Of functions that keep them."""
        for cache in self._caches:
            cache.cache_clear()

    def _hold(self, holder):
        self._held[id(holder)] = _Held(holder)

    def _look_into(self, value, depth):
        holder = value if _is_a(value, _CONTAINERS) else _names_of(value)
        if holder is None or id(holder) in self._held:
            return
        self._hold(holder)
        if depth and not _is_a(holder, bytearray) and len(holder) <= _MANY:
            for inner in list(holder.values() if _is_a(holder, dict) else holder):
                self._look_into(inner, depth - 1)


class _Held:
    """A class, the names of a module or an object, or a container, and what it held."""

    def __init__(self, holder):
        self._holder = holder
        self._content = _content(holder)

    def is_same(self):
        return _same(vars(self._holder) if _is_a(self._holder, type) else self._holder, self._content)

    def put_back(self):
        """All but modules that were loaded meanwhile: they would not be loaded again."""
        holder, content = self._holder, self._content
        if _is_a(content, dict):
            now = _content(holder)
            content.update({name: now[name] for name in now.keys() - content.keys() if _is_module(now[name])})
        if _is_a(holder, type):
            _put_back_class(holder, content)
        elif _is_a(holder, (dict, set)):
            holder.clear()
            holder.update(content)
        else:
            holder[:] = content


def _put_back_class(one, names):
    for name in vars(one).keys() - names.keys():
        type.__delattr__(one, name)
    for name, value in names.items():
        if vars(one).get(name, one) is not value:
            type.__setattr__(one, name, value)


def _content(holder):
    if _is_a(holder, (type, dict)):
        return dict(vars(holder) if _is_a(holder, type) else holder)
    return set(holder) if _is_a(holder, set) else bytes(holder) if _is_a(holder, bytearray) else list(holder)


def _same(now, before):
    """Whether these are the same elements, by identity: code under test may change what it is given in place."""
    if len(now) != len(before) or len(now) > _LARGE:
        return len(now) == len(before)
    if _is_a(before, bytes):
        return now == before
    if _is_a(before, set):
        return set(map(id, now)) == set(map(id, before))
    pairs = (now.values(), before.values()) if _is_a(before, dict) else (now, before)
    return all(map(operator.is_, *pairs))


def _names_of(value):
    """The attributes of an object; None where there are none, or they cannot be seen from outside of a call."""
    if _is_a(value, (type, types.ModuleType, types.FunctionType)):
        return None
    try:
        names = value.__dict__
    except Exception:
        return None
    return names if type(names) is dict else None


def _is_module(value):
    return _is_a(value, types.ModuleType)


def _is_a(value, kinds):
    """By its true class: what stands for another object says so even of its class."""
    return issubclass(type(value), kinds)
