"""Runs pytest as `python -m pytest` would, in forks of a process that has done beforehand what all runs have to do.

It is started in the project's own interpreter, from the project's folder, and reads messages from its standard input:
eight bytes of length, then JSON. The first says what to import (`preload`), and which folders to remove where the
input ends without a `goodbye` (`scratch`); each of the others is one run, and is
answered with messages of the same form: `pid` when it has begun, then how it ended, or `unfit` with the reason where it
cannot be had this way. The end of the input ends everything. Python 3.8 and newer, pytest 6.2 and newer.

A run is forked from a process that has loaded pytest and what is installed, and nothing of the project; or, where it is
to be `configured`, from one that besides has read the configuration and every initial conftest.py, as long as none of
the files that it has read changes. That depends on the options and on the folders of the test files, not on the files.
As a rule it is forked from one that has collected these test files too, and is kept until others are asked for
(`fixer_collected`).
With `--spare` the process itself becomes the run, and takes only one.
"""

import atexit
import contextlib
import functools
import gc
import importlib.util
import inspect
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import traceback
import types

from fixer_ahead import say_ended  # type: ignore[import-not-found]
from fixer_collected import Collecting  # type: ignore[import-not-found]
from fixer_contain import (  # type: ignore[import-not-found]
    adopt_orphans,
    die_with_parent,
    forked,
    kill_group,
    limit,
    outcome,
)
from fixer_failures import fail_once  # type: ignore[import-not-found]
from fixer_fork import preload, received, send  # type: ignore[import-not-found]
from fixer_opened import Opened  # type: ignore[import-not-found]
from fixer_pytest import use_installed_bytecode  # type: ignore[import-not-found]
from fixer_reports import forget_failures  # type: ignore[import-not-found]

_HERE = os.path.dirname(os.path.abspath(__file__))
_END_SECONDS = 2
_MOST_FAILURES = 3


def main():
    """Serve, or be one run."""
    requests, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)
    use_installed_bytecode()
    opened = Opened()
    incoming = received(requests)
    first = next(incoming, {"preload": (), "scratch": ()})
    preload(first["preload"])
    fail_once()
    if "--spare" in sys.argv:
        for request in incoming:
            os.close(requests)
            os.close(answers)
            opened.forget()
            die_with_parent()
            run(request)
        return
    adopt_orphans()
    if not Loaded(incoming, requests, answers, opened).serve():
        for folder in first["scratch"]:
            shutil.rmtree(folder, ignore_errors=True)


class Loaded:
    """Has nothing of the project in it, and makes the runs, or the processes that make them."""

    def __init__(self, incoming, requests, answers, opened):
        self._incoming = incoming
        self._requests = requests
        self._answers = answers
        self._opened = opened
        self._configured = None

    def serve(self):
        """Take one request after the other; whether there was a `goodbye`, or else whoever asked has died."""
        try:
            for request in self._incoming:
                if "goodbye" in request:
                    return True
                self._take(request)
        except BrokenPipeError:
            pass
        finally:
            self._end_configured()
        return False

    def _take(self, request):
        unfit = "" if hasattr(os, "fork") else "there is no fork here"
        unfit = unfit or self._opened.why_unfit()
        if unfit:
            send(self._answers, {"unfit": unfit})
        elif request["configured"]:
            self._take_configured(request)
        else:
            child = forked(lambda: self._run(request), (self._requests, self._answers))
            send(self._answers, {"pid": child})
            spared = (self._configured.pid,) if self._configured else ()
            send(self._answers, outcome(child, request["seconds"], self._requests, spared))

    def _run(self, request):
        self._opened.forget()
        limit(request["memory"], request["cpu"])
        run(request)

    def _take_configured(self, request):
        for _ in range(2):  # the first may have read what has changed since
            if not (self._configured and self._configured.takes(_configuration(request))):
                self._end_configured()
                self._configured = _configured(request, (self._requests, self._answers), self._opened)
            if self._configured.pass_on(request, self._requests, self._answers):
                return
            self._end_configured()
            if select.select([self._requests], [], [], 0)[0]:
                return  # nobody is waiting any more
        send(self._answers, {"unfit": "pytest does not get through its configuration"})

    def _end_configured(self):
        if self._configured:
            self._configured.end()
            self._configured = None


class Maker:
    """The near end of a process that was forked to make runs, all of which are alike."""

    def __init__(self, pid, near, alike):
        self.pid = pid
        self.has_made = False
        self._socket = near
        self._alike = alike

    def takes(self, alike):
        """Whether it was made for such runs."""
        return alike == self._alike

    def pass_on(self, request, requests, answers):
        """Hand the request in and the answers out; false where it was not begun."""
        channel, begun = self._socket.fileno(), False
        with contextlib.suppress(OSError):
            send(channel, request)
            for answer in received(channel, stop=requests, seconds=request["seconds"] + _END_SECONDS):
                if "stale" in answer:
                    return False
                send(answers, answer)
                begun = self.has_made = True
                if "pid" not in answer:
                    return True
        if begun:
            send(answers, {"unfit": "the process that it was forked from died"})
        return begun

    def end(self):
        """Let it go; it takes away what it has made outside of itself."""
        self._socket.close()
        with contextlib.suppress(ChildProcessError):
            wait_quietly(self.pid, _END_SECONDS)
            kill_group(self.pid)
            os.waitpid(self.pid, 0)


def _configured(request, not_its_own, opened):
    """A process that reads the configuration, for these arguments and this environment."""
    near, far = socket.socketpair()
    opened.leave_out(os.path.dirname(request["output"]))
    child = forked(lambda: run(dict(request, traced=""), [_serving(far, opened)]), (*not_its_own, near.fileno()))
    far.close()
    return Maker(child, near, _configuration(request))


def _configuration(request):
    """What pytest's configuration depends on; of files it is their folders: there it looks for its settings."""
    environ = {name: value for name, value in request["environ"].items() if name != "FIXER_PROBE_NONCE"}
    options, files = _split(request["arguments"])
    places = sorted({os.path.dirname(path) if os.path.isfile(path) else path for path in files})
    return dict(request, environ=environ, arguments=options, places=places, traced="")


def _split(arguments):
    """The options, and what comes behind them."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:end], arguments[end + 1 :]


def _serving(channel, opened):
    """A plugin that, when all is configured, forks for each request; the forks go on to collect and run the tests.

    As a rule one of the forks collects the files and becomes what runs are forked from.
    """
    import pytest

    class ServeConfigured:
        request = None
        channel = None
        collecting = None

        @pytest.hookimpl(tryfirst=True)
        def pytest_collection(self, session):
            self.request, self.channel = _next_run(channel, opened, session.config)
            if self.request is None:
                raise pytest.exit.Exception("no more requests")
            _prepare(self.request, session.config)
            if self.channel is None:
                _begin(self.request, session.config)
                return
            _probe(session.config).choose_all()
            self.collecting = Collecting(opened)

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtestloop(self, session):
            if self.collecting is None:
                return
            collected = self.collecting.done(session)
            prepare, begin = (functools.partial(step, config=session.config) for step in (_prepare, _begin))
            if not (collected and collected.serve(self.channel, self.request, prepare, begin)):
                os._exit(0)

    return ServeConfigured()


def _begin(asked, config):
    """The run with what is its own."""
    if asked["traced"]:
        config.option.showlocals = True
    _probe(config).begin(asked["environ"]["FIXER_PROBE_NONCE"], asked["traced"])


def _prepare(request, config):
    """For a run of this request, or for one that is like it but for what is its own."""
    limit(request["memory"], request["cpu"])
    _forget_what_is_shared(config)
    _point_at(config, request["arguments"])


def _probe(config):
    return config.pluginmanager.get_plugin("fixer-probe-hooks")


def _point_at(config, arguments):
    """Have these files collected, whichever the configuration was made for."""
    files = _split(arguments)[1]
    sys.argv[1:] = arguments
    if files:  # else they are those of the settings
        config.args = config.option.file_or_dir = config.known_args_namespace.file_or_dir = list(files)


def _next_run(channel, opened, config):
    """The request that this process, a fork of the configured one, is made for; None in that one, in the end.

    With it, where the fork is to collect and to make runs itself, the channel for that.
    """
    opened.watch_for_new(config)
    unfit = opened.why_unfit() or _why_not_shared(config, channel.fileno())
    inspect.getmodule(main.__code__)  # fills a table of all modules, which every traceback needs
    gc.collect()
    gc.freeze()
    adopt_orphans()
    collector = Collector(channel)
    for request in received(channel.fileno()):
        if unfit or opened.why_unfit():
            send(channel.fileno(), {"unfit": unfit} if unfit else {"stale": True})
            break
        for _ in range(2):  # the first may have collected what has changed since
            far = collector.begin(request)
            if far is not None:
                return request, far
            if collector.pass_on(request):
                break
        else:
            importlib.invalidate_caches()
            child = forked(None, ())
            if not child:
                channel.close()
                opened.forget()
                return request, None
            send(channel.fileno(), {"pid": child})
            send(channel.fileno(), outcome(child, request["seconds"], channel.fileno()))
    collector.end()
    return None, None


class Collector:
    """In a configured process: a fork that collects the files asked for makes the runs, until others are."""

    def __init__(self, channel):
        self._channel = channel
        self._maker = None
        self._failures = 0

    def begin(self, request):
        """Fork where there is none for these files; gives the fork, and nobody else, its end of the line."""
        files = _split(request["arguments"])[1]
        if self._maker and not self._maker.takes(files):
            self.end()
        if self._maker or self._failures >= _MOST_FAILURES:
            return None
        near, far = socket.socketpair()
        importlib.invalidate_caches()
        child = forked(None, ())
        if not child:
            near.close()
            self._channel.close()
            return far
        far.close()
        self._maker = Maker(child, near, files)
        return None

    def pass_on(self, request):
        """Whether the run was made."""
        if not self._maker:
            return False
        if self._maker.pass_on(request, self._channel.fileno(), self._channel.fileno()):
            return True
        self._failures = 0 if self._maker.has_made else self._failures + 1
        self.end()
        return False

    def end(self):
        """Let the fork go."""
        if self._maker:
            self._maker.end()
            self._maker = None


def _forget_what_is_shared(config):
    atexit._clear()  # what the configured process has made is its own to take away
    captures = getattr(config.pluginmanager.get_plugin("capturemanager"), "_global_capturing", None)
    for name in ("out", "err"):
        file = getattr(getattr(captures, name, None), "tmpfile", None)
        if file is not None and not file.closed:  # else what a killed run has printed would be found by the next one
            file.seek(0)
            file.truncate()
    forget_failures(config.pluginmanager)


def _why_not_shared(config, own):
    """Why what the configuration has opened cannot be shared by runs; empty where it can."""
    captures = getattr(config.pluginmanager.get_plugin("capturemanager"), "_global_capturing", None)
    files = [getattr(getattr(captures, name, None), "tmpfile", None) for name in ("out", "err")]
    if any(file is not None and file.closed for file in files):
        return "a conftest.py or a plugin closes its outputs"
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                if int(name) != own and os.readlink("/proc/self/fd/" + name).startswith("socket:"):
                    return "a conftest.py or a plugin holds a connection"
    with contextlib.suppress(OSError), open("/proc/self/task/%d/children" % os.getpid()) as file:
        if file.read().strip():
            return "a conftest.py or a plugin has started a process"
    return ""


def run(request, plugins=()):
    """Be a run, and end with it."""
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environ"], **({"FIXER_PROBE_TRACE": request["traced"]} if request["traced"] else {}))
    tempfile.tempdir = None
    output = os.open(request["output"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.close(output)
    sys.path[0] = request["folder"]  # as `python -m pytest` has it
    sys.path.append(_HERE)
    sys.pycache_prefix = request["environ"].get("PYTHONPYCACHEPREFIX")
    sys.dont_write_bytecode = False
    atexit._clear()
    _leave(_status_of([*(["--showlocals"] if request["traced"] else []), *request["arguments"]], list(plugins)))


def _status_of(arguments, plugins):
    """The exit status that Python would give."""
    import pytest

    _stand_in_for(pytest)
    sys.argv[1:] = arguments
    try:
        return int(pytest.main(arguments, plugins=plugins))
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return (ended.code or 0) & 0xFF
        print(ended.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        return 130
    except BaseException:
        traceback.print_exc()
        return 1


def _stand_in_for(pytest):
    """What runs is `pytest`, for whoever looks, or starts Python again with it as multiprocessing does."""
    spec = importlib.util.find_spec("pytest.__main__")
    if spec is None or spec.origin is None:
        return
    _kept.append(sys.modules["__main__"])
    standing_in = types.ModuleType("__main__")
    standing_in.__file__, standing_in.__spec__, standing_in.__package__ = spec.origin, spec, "pytest"
    standing_in.pytest = pytest  # type: ignore[attr-defined]
    sys.modules["__main__"] = standing_in
    sys.argv[0] = spec.origin


_kept: "list[types.ModuleType]" = []


def _leave(status):
    """What Python's own end does that can be seen from outside; the rest of it takes longer than most tests."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    say_ended(status)
    os._exit(status)


def wait_quietly(child, seconds):
    """Wait for its end, without taking note of it."""
    fits = hasattr(os, "waitid")
    for _ in range(int(seconds / 0.01) if fits else 0):
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT | os.WNOHANG):
            return
        select.select([], [], [], 0.01)


if __name__ == "__main__":
    main()
