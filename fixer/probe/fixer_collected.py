"""Makes runs from a process that has collected the tests, as long as what has changed since can be swapped in.

A change that only concerns functions is given to the functions that live; the line numbers are part of that, because
they are shown. Anything else that has changed, and a test that is not among those collected, is for others to run.
"""

import gc
import importlib
import json
import linecache
import os
import time

from fixer_ahead import Ahead  # type: ignore[import-not-found]
from fixer_contain import adopt_orphans  # type: ignore[import-not-found]
from fixer_failures import place_once, read_tests  # type: ignore[import-not-found]
from fixer_modules import is_rewritten, own_modules  # type: ignore[import-not-found]
from fixer_reports import print_nothing  # type: ignore[import-not-found]
from fixer_swap import Recorder, Swapper  # type: ignore[import-not-found]
from fixer_ways import Ways  # type: ignore[import-not-found]

_CLOCK_NANOSECONDS = 10000000
"""How far the clock that files are stamped with may be behind."""
_MOST_DEATHS = 3
"""Of forks, one after the other, while they wait."""


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
        if (
            session.testsfailed
            or ran is None
            or not self._opened.add([module.__file__ for module in own], self._started)
        ):
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

    def serve(self, channel, request, prepare, begin):
        """Make runs until the channel ends or one is beyond this process; in such a run, gives true.

        All requests are like this one but for their nonce, for what is to be seen of them and for the tests that they
        choose: a run may `prepare` for it before it is asked for, and `begin` with the rest.
        """
        print_nothing(self._session.config.pluginmanager)
        place_once(self._session.items)
        read_tests(getattr(item, "function", None) for item in self._session.items)
        ways = Ways(channel, os.path.dirname(request["output"]))
        gc.collect()
        gc.freeze()
        adopt_orphans()
        written, deaths = None, 0
        while deaths < _MOST_DEATHS and not self._opened.is_shared():
            ahead = Ahead(written)
            if not ahead.pid:
                self._opened.forget()
                prepare(request)
                self._be(request, ahead, ways, begin)
                return True
            said = ways.next(ahead)
            if "begun" in said:
                ways.tell({"pid": ahead.pid})
                written = ahead.outcome(request["seconds"], ways.asking, ways.tell)
                self._swapper.read(said["changed"])  # which spares the next runs that
                ways.done()
                deaths = 0
                continue
            ahead.end()
            if "stale" in said:
                break
            if not said:
                written, deaths = (), deaths + 1
        ways.tell({"stale": True})
        return False

    def _be(self, request, ahead, ways, begin):
        """Be the run that is asked for, or say that it is beyond this process."""
        asked = ahead.asked(ways.caller)
        chosen, changed = self._chosen(request), self._opened.changed()
        changes = self._changes(changed)
        if chosen is None or changes is None:
            ahead.leave({"stale": True})
        ahead.begin(changed=changed)
        ways.close()
        importlib.invalidate_caches()
        begin(asked)
        for function, code in changes:
            function.__code__ = code
            linecache.cache.pop(code.co_filename, None)
        self._session.items[:] = [self._items[nodeid] for nodeid in chosen]

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

    def _changes(self, changed):
        """New code for the functions of these files; None where that has to be imported."""
        texts = self._swapper.read(changed)
        return None if texts is None else self._swapper.changes(texts, all_loaded=True, lines=True)


def _plain_source(module):
    """The file whose text compiles to what lives; empty for extension modules and what pytest has rewritten."""
    return module.__file__ if module.__file__.endswith(".py") and not is_rewritten(module) else ""
