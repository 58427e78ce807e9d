"""Tries many changes in one process, one after the other: enough to tell which of them cannot be a fix.

Each of them is answered with a letter in a file: `f`, the first test fails; `g`, it does, and gets further than it
did; `n`, it passes, and another fails; `t`, one takes too long; `l`, all may pass; `u`, it has to be imported, for it
cannot be swapped; `v`, so it has, but it has failed where what it changes was run again, or was swapped after it ran.
Of these `f` and `n` are final, as long as nothing is left of what came before. So the sources as they are have to fail
first and last, what a test has left behind is put back, and a process ends in which that cannot be done: what has no
letter has not been tried. The letters begin with that of the unchanged sources.
"""

import contextlib
import functools
import os
import signal
import sys
import threading

from fixer_contain import take_environment  # type: ignore[import-not-found]
from fixer_modules import is_library  # type: ignore[import-not-found]
from fixer_renew import Renewal, Unclear  # type: ignore[import-not-found]
from fixer_state import State  # type: ignore[import-not-found]
from fixer_texts import filled  # type: ignore[import-not-found]

_LEAST_WALL_SECONDS = 1.0


class Batch:
    """Knows the tests that are collected, the functions that can be swapped, and what the modules hold."""

    def __init__(self, session, swapper):
        self._session = session
        self._swapper = swapper
        self._vital, self._items = None, []
        self._state = State()
        self._ended = None

    def prepare(self, vital, late):
        """Look at what these tests may change; in the process that the batches are forked from.

        `late` are the modules to be changed that the tests import when they run.
        """
        missing = [name for name in late if name not in sys.modules]
        if missing:
            self._swapper.load(missing)
            self._state.look()
            self._vital = None
        if vital != self._vital:
            found = {item.nodeid: item for item in self._session.items}
            self._vital, self._items = vital, [found[nodeid] for nodeid in vital if nodeid in found]
            self._state.include(self._items)

    def run(self, request):
        """Try the candidates, and leave."""
        signal.signal(signal.SIGPROF, _stop)
        signal.signal(signal.SIGALRM, _stop)
        take_environment(request["environ"])
        plugins = self._session.config.pluginmanager
        plugins.unregister(name="fixer-probe-hooks")
        letters = os.open(request["letters"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        process = None
        for parts in [{}] + request["batch"] + [{}]:
            files = {path: filled(request["bases"][path], *part) for path, part in parts.items()}
            letter = self._letter_of(files, request["candidate_seconds"], early=request["early"])
            os.write(letters, letter)
            process = process or _Process()  # what the first run has loaded may stay
            if letter == b"t" or not self._state.put_back() or not process.is_same():
                break
        os._exit(0)

    def _letter_of(self, files, seconds, early):
        changes = self._swapper.changes(files, all_loaded=True, early=early)
        if changes is None:
            return self._letter_when_renewed(files, seconds)
        plain = [(function, function.__code__) for function, _ in changes]
        self._state.forget_results()
        for function, code in changes:
            function.__code__ = code
        letter = _tried(self._items, seconds)
        for function, code in plain:
            function.__code__ = code
        if letter in b"fn" and self._swapper.ran_early(code for _, code in plain):
            self._state.put_back()
            return self._letter_when_renewed(files, seconds)
        return b"g" if letter == b"f" and self._gets_further(_end(self._items[0])) else letter

    def _letter_when_renewed(self, files, seconds):
        """What is told by running again the statements that have changed; it passes where it does so then."""
        renewal = Renewal()

        def renewed():
            try:
                self._swapper.renew(files, renewal)
            except (Unclear, SyntaxError):
                return b"u"
            except Exception:  # an import would raise it as well, most likely
                return b"v"
            return b""

        self._state.forget_results()
        letter = _within(max(seconds.values()), renewed)
        if letter == b"":
            letter = _tried(self._items, seconds)
            letter = b"v" if letter in b"fn" else letter
        renewal.forget()
        return letter or b"t"

    def _gets_further(self, end):
        """Than the unchanged sources, which come first: fails at a later line, or on a comparison, not of an error."""
        self._ended = self._ended or end
        (function, line, asserts), (last_function, last_line, asserted) = end, self._ended
        same = function == last_function != ""
        return same and (line > last_line or (line == last_line and asserts and not asserted))


def _end(item):
    """The function and the line of a test's file at which its call ended, and whether by an assertion."""
    traceback, error = sys.last_traceback, sys.last_value
    file = str(getattr(item, "path", None) or item.fspath)
    while traceback is not None and traceback.tb_frame.f_code.co_filename != file:
        traceback = traceback.tb_next
    if traceback is None:
        return "", 0, False
    return traceback.tb_frame.f_code.co_name, traceback.tb_lineno, isinstance(error, AssertionError)


class _Process:
    """What a test may change that no module of the project holds."""

    def __init__(self):
        self._loaded = set(sys.modules)
        self._rest = _rest_of_process()

    def is_same(self):
        """But for libraries that are loaded when they are first needed, as pytest does to show a warning.

        What the project loads so is let go: with another change it might be another.
        """
        new = sys.modules.keys() - self._loaded
        self._loaded.update(filter(is_library, new))
        for name in new - self._loaded:
            _unload(name)
        return len(sys.modules) == len(self._loaded) and _rest_of_process() == self._rest


def _unload(name):
    module = sys.modules.pop(name)
    package, _, own_name = name.rpartition(".")
    names = getattr(sys.modules.get(package), "__dict__", {})
    if names.get(own_name) is module:
        del names[own_name]


def _rest_of_process():
    return len(sys.path), len(os.environ), threading.active_count(), os.getcwd()


def _tried(items, seconds):
    """The letter for what lives now; each test has its seconds of CPU time, and more of wall time."""
    sys.last_traceback = sys.last_value = None  # pytest notes there of what a test's call dies
    for number, item in enumerate(items):
        passed = _within(seconds[item.nodeid], functools.partial(_passes, item))
        if passed is None:
            return b"t"
        if not passed:
            return b"n" if number else b"f"
    return b"l"


def _within(seconds, act):
    """What that gives; None where it takes longer."""
    try:
        # Again and again, where a test catches everything and goes on.
        signal.setitimer(signal.ITIMER_PROF, seconds, seconds)
        signal.setitimer(signal.ITIMER_REAL, max(_LEAST_WALL_SECONDS, 4 * seconds), seconds)
        found = act()
    except BaseException:  # what a test raises never gets here
        return None
    finally:
        _disarm()
    return None if _stops else found


class _TooLong(BaseException):
    """Not an Exception: tests and the code under test catch these."""


_stops: "list[bool]" = []


def _disarm():
    """Until it is done: an alarm that goes off in between is one stop more."""
    while True:
        with contextlib.suppress(_TooLong):
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
            return


def _stop(*_):
    _stops.append(True)
    raise _TooLong


def _passes(item):
    from _pytest.runner import runtestprotocol

    return all(report.passed for report in runtestprotocol(item, log=False))
