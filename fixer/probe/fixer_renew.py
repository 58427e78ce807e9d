"""Runs what has changed of a module's body again in the module that lives, and what follows from it there.

That tells more than nothing, and much sooner than to import it: but what other modules and the tests have made of the
old values when they were imported stays. So what passes then has to be imported to be believed, and so may what fails.
"""

import abc
import ast
import functools
import os
import sys
import types

from fixer_modules import own_modules  # type: ignore[import-not-found]

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_OWN = frozenset(("__dict__", "__weakref__", "__module__", "_abc_impl", "__static_attributes__", "__firstlineno__"))
"""Attributes of a class that are no part of what its body says."""
_MISSING = object()
_MOST_KNOWN = 10000
"""Statements that are looked at once only."""


class Unclear(Exception):
    """Nothing can be told without importing it."""


class Renewal:
    """Of one text; what it puts in the place of something else is for others to put back."""

    def __init__(self):
        self._new = []

    def run(self, path, flags, changed, following):
        """Run these statements in the module of this file, and those of the following that use what they make.

        Raises Unclear, and what the statements raise.
        """
        module = _module_of(path)
        bound = {name for statement in changed for name in _bound(statement)}
        for statement in changed:
            self._run(module, path, flags, statement)
        for statement in following:
            if not bound.isdisjoint(_used(statement)):
                self._run(module, path, flags, statement)
                bound.update(_bound(statement))

    def forget(self):
        """The names that were not there before."""
        for names, name in self._new:
            names.pop(name, None)

    def _run(self, module, path, flags, statement):
        names = vars(module)
        before = {name: names.get(name, _MISSING) for name in _bound(statement)}
        self._new += [(names, name) for name, old in before.items() if old is _MISSING]
        tree = ast.Module(body=[statement], type_ignores=[])
        exec(compile(tree, path, "exec", flags, dont_inherit=True), names)  # noqa: S102 - as the import would
        for name, old in before.items():
            new = names.get(name, _MISSING)
            if old is new or old is _MISSING or new is _MISSING:
                continue
            if isinstance(old, type) and isinstance(new, type):
                _take_over(old, new)
                names[name] = old
            else:
                _pass_on(name, old, new)


def _module_of(path):
    found = [module for module in own_modules() if os.path.realpath(module.__file__) == os.path.realpath(path)]
    if len(found) != 1 or sys.modules.get(found[0].__name__) is not found[0]:
        raise Unclear
    return found[0]


def _pass_on(name, old, new):
    """To who has imported it by its name."""
    for module in own_modules():
        if vars(module).get(name, _MISSING) is old:
            setattr(module, name, new)


def _take_over(old, new):
    """Let a class be what another is: objects, subclasses and other modules know the old one."""
    slots = "__slots__" in vars(old) or "__slots__" in vars(new)
    if type(old) is not type(new) or type(old) not in (type, abc.ABCMeta) or old.__bases__ != new.__bases__ or slots:
        raise Unclear
    for name in vars(old).keys() - vars(new).keys() - _OWN:
        type.__delattr__(old, name)
    for name, value in list(vars(new).items()):
        if name not in _OWN and not _alike(vars(old).get(name, _MISSING), value):
            _belong_to(old, value)
            setattr(old, name, value)


def _belong_to(owner, value):
    """So that its `super()` knows where it is."""
    for function in filter(None, _functions(value)):
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            if name == "__class__":
                cell.cell_contents = owner


def _alike(one, other):
    if type(one) is not type(other):
        return False
    if isinstance(one, (types.FunctionType, property, staticmethod, classmethod)):
        return all(map(_same_function, _functions(one), _functions(other)))
    return one is other or bool(one == other)


def _same_function(one, other):
    if not (isinstance(one, types.FunctionType) and isinstance(other, types.FunctionType)):
        return one is other
    told = [
        (function.__code__.replace(co_firstlineno=1), function.__defaults__, function.__kwdefaults__)
        for function in (one, other)
    ]
    return told[0] == told[1]


def _functions(value):
    """What a value of a class runs when it is called or asked for."""
    if isinstance(value, property):
        return [value.fget, value.fset, value.fdel]
    function = value.__func__ if isinstance(value, (staticmethod, classmethod)) else value
    return [function if isinstance(function, types.FunctionType) else None]


@functools.lru_cache(maxsize=_MOST_KNOWN)
def _bound(statement):
    """The names of the module that a statement gives a meaning to."""
    if isinstance(statement, _DEFINITIONS):
        return {statement.name}
    nodes = list(_run_at_once(statement))
    names = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    names.update(node.name for node in nodes if isinstance(node, _DEFINITIONS))
    imports = [alias for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names]
    return names | {(alias.asname or alias.name).partition(".")[0] for alias in imports}


@functools.lru_cache(maxsize=_MOST_KNOWN)
def _used(statement):
    """The names that it reads when the module is imported."""
    return {node.id for node in _run_at_once(statement) if isinstance(node, ast.Name)}


def _run_at_once(statement):
    """Its nodes, but for those inside of functions."""
    waiting = [statement]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, _FUNCTIONS):
            waiting.extend([*node.args.defaults, *filter(None, node.args.kw_defaults)])
            waiting.extend(getattr(node, "decorator_list", ()))
        else:
            waiting.extend(ast.iter_child_nodes(node))
