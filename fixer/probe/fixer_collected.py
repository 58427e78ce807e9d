"""Makes runs from a process that has collected the tests, as long as what has changed since can be swapped in.

A change that only concerns functions is given to the functions that live; the line numbers are part of that, because
they are shown. Anything else that has changed, and a test that is not among those collected, is for others to run.
"""

import functools
import gc
import importlib
import json
import linecache
import time

from fixer_ahead import Ahead  # type: ignore[import-not-found]
from fixer_contain import adopt_orphans  # type: ignore[import-not-found]
from fixer_failures import place_once, read_tests  # type: ignore[import-not-found]
from fixer_fork import received, send  # type: ignore[import-not-found]
from fixer_modules import is_rewritten, own_modules  # type: ignore[import-not-found]
from fixer_reports import print_nothing  # type: ignore[import-not-found]
from fixer_swap import Recorder, Swapper  # type: ignore[import-not-found]

_CLOCK_NANOSECONDS = 10000000
"""How far the clock that files are stamped with may be behind."""


class Collecting:
    """To be made before the tests are collected; `opened` knows which files have been read so far."""

    def __init__(self, opened):
        self._opened = opened
        self._started = time.time_ns() - _CLOCK_NANOSECONDS
        self._recorder = Recorder()
        self._recorder.start()

    def done(self, session):
        """What can make runs from here on; None where something could not be collected or is not as it was."""
        ran = self._recorder.stop()
        own = own_modules()
        if session.testsfailed or not self._opened.add([module.__file__ for module in own], self._started):
            return None
        swapper = Swapper(ran)
        swapper.remember([file for file in map(_plain_source, own) if file])
        return Collected(session, self._opened, swapper)


class Collected:
    """Makes runs of the tests that are collected."""

    def __init__(self, session, opened, swapper):
        self._session = session
        self._opened = opened
        self._swapper = swapper
        self._items = {item.nodeid: item for item in session.items}

    def serve(self, channel, become):
        """Make runs until the input ends or one is beyond this process; in such a run, gives true."""
        print_nothing(self._session.config.pluginmanager)
        place_once(self._session.items)
        read_tests(getattr(item, "function", None) for item in self._session.items)
        gc.collect()
        gc.freeze()
        adopt_orphans()
        requests, request, written = received(channel.fileno()), None, None
        while True:
            ahead = Ahead(written)
            if not ahead.pid:
                channel.close()
                self._be(ahead.task(), become)
                return True
            request = request or next(requests, None)
            task = self._task(request) if request else None
            if request is None or task is None:
                ahead.end()
                if request:
                    send(channel.fileno(), {"stale": True})
                return False
            if not ahead.begin(task):
                ahead.end()
                written = ()
                continue
            send(channel.fileno(), {"pid": ahead.pid})
            tell = functools.partial(send, channel.fileno())
            written = ahead.outcome(request["seconds"], channel.fileno(), tell)
            request = None

    def _task(self, request):
        """What a run of this process has to be told; None where it is beyond it."""
        chosen, changes = self._chosen(request), self._changes()
        if chosen is None or changes is None:
            return None
        return {"request": request, "chosen": chosen, "changes": self._swapper.packed(changes)}

    def _be(self, task, become):
        importlib.invalidate_caches()
        self._opened.forget()
        become(task["request"])
        for code in self._swapper.swap_packed(task["changes"]):
            linecache.cache.pop(code.co_filename, None)
        self._session.items[:] = [self._items[nodeid] for nodeid in task["chosen"]]

    def _chosen(self, request):
        """The ids asked for, in the order in which they were collected; None where there are others."""
        chosen = request["environ"].get("FIXER_PROBE_SELECT")
        if not chosen or "FIXER_PROBE_DESELECT" in request["environ"]:
            return None
        with open(chosen, encoding="ascii") as file:
            wanted = set(json.load(file))
        if not wanted <= self._items.keys():
            return None
        return [nodeid for nodeid in self._items if nodeid in wanted]

    def _changes(self):
        """New code for the functions of what has changed on disk; None where that has to be imported."""
        if self._opened.is_shared():
            return None
        texts = self._swapper.read(self._opened.changed())
        return None if texts is None else self._swapper.changes(texts, all_loaded=True, lines=True)


def _plain_source(module):
    """The file whose text compiles to what lives; empty for extension modules and what pytest has rewritten."""
    return module.__file__ if module.__file__.endswith(".py") and not is_rewritten(module) else ""
