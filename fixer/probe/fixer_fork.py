"""Runs pytest on sources that are not on disk, each run in a fork of its own; nothing of the project is touched.

It is started in the project's own interpreter and reads requests from its standard input: eight bytes of length,
then JSON. A length of 0 stops the run that is going on; the end of the input ends everything, and where no `goodbye`
came before, removes the folder that is its first argument. Each request is answered with one JSON line. Python 3.8 and
newer, pytest 6.2 and newer.

A run is forked before pytest is configured, and imports what it tests. A request that says `warm` may instead be
forked from a process that has collected all tests of the same files already, and is kept until another is named; there
swapping code is as good as importing it. One with a `batch` has many changes tried in one such fork. Where there is no
fork, or with `--spawn`, each run is a fresh process, which finds its request in FIXER_FORK_OVERLAY.
"""

import contextlib
import functools
import gc
import importlib
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile

from fixer_contain import (  # type: ignore[import-not-found]
    adopt_orphans,
    forked,
    kill_group,
    limit,
    outcome,
    take_environment,
)
from fixer_modules import installed_modules, own_modules  # type: ignore[import-not-found]
from fixer_overlay import mount, overlay, starts_processes  # type: ignore[import-not-found]
from fixer_pytest import use_installed_bytecode  # type: ignore[import-not-found]

_HERE = os.path.dirname(os.path.abspath(__file__))
_COLLECT_SECONDS = 30
_STOP = bytes(8)
_MOST_OF_A_FILE = 64 << 20
"""Bytes: a candidate may write without end."""
_UNFIT = 99
"""The exit code of a fork whose change has to be imported."""


def main():
    """Serve, or be one run."""
    use_installed_bytecode()
    if "FIXER_FORK_OVERLAY" in os.environ:
        with open(os.environ.pop("FIXER_FORK_OVERLAY"), encoding="ascii") as file:
            sys.exit(run(json.load(file)))
    requests, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    adopt_orphans()
    if not Server(requests, answers, "--spawn" in sys.argv or not hasattr(os, "fork")).serve():
        shutil.rmtree(sys.argv[1], ignore_errors=True)


class Server:
    """Answers requests until the input ends."""

    def __init__(self, requests, answers, spawn):
        self._requests = requests
        self._answers = answers
        self._spawn = spawn
        self._warm = None
        self._warm_for = ""

    def serve(self):
        """Take one request after the other; whether there was a `goodbye`, or else whoever asked has died."""
        with contextlib.suppress(BrokenPipeError):
            for request in received(self._requests):
                if "goodbye" in request:
                    return True
                os.write(self._answers, json.dumps(self._answer(request)).encode("ascii") + b"\n")
        return False

    def _answer(self, request):
        if self._spawn:
            return outcome(_spawned(request), request["seconds"], self._requests)
        preload(request["preload"])
        if "batch" in request:
            return self._ask_warm(request) or {}
        if request["warm"]:
            answer = self._ask_warm(request)
            if answer is not None and answer.get("code") != _UNFIT:
                return answer
        child = forked(lambda: run(request), (self._requests, self._answers))
        spared = (self._warm.pid,) if self._warm else ()
        return outcome(child, request["seconds"], self._requests, spared)

    def _ask_warm(self, request):
        if self._warm_for != request["warm"]["name"]:
            if self._warm:
                self._warm.end()
            self._warm, self._warm_for = Warm(request, (self._requests, self._answers)), request["warm"]["name"]
        answer = self._warm.ask(request, self._requests) if self._warm else None
        if answer is None and self._warm:
            self._warm.end()
            self._warm = None  # and none again for these tests
        return answer


class Warm:
    """The near end of a process that has collected the tests and forks for each request."""

    def __init__(self, request, not_its_own):
        self._socket, far = socket.socketpair()
        near = self._socket.fileno()
        own = dict(request, overlay={}, needed=(), **request["warm"])
        self.pid = forked(lambda: run(own, functools.partial(_serve_collected, far)), (*not_its_own, near))
        far.close()

    def ask(self, request, requests):
        """Its answer; None where it died. A stop is passed on."""
        try:
            payload = json.dumps(request).encode("ascii")
            self._socket.sendall(len(payload).to_bytes(8, "big") + payload)
            ready, _, _ = select.select([requests, self._socket], [], [], request["seconds"] + _COLLECT_SECONDS)
            if self._socket not in ready:
                self._socket.sendall(_STOP)
                ready, _, _ = select.select([self._socket], [], [], _COLLECT_SECONDS)
            size = int.from_bytes(_read(self._socket.fileno(), 8), "big") if ready else 0
            return json.loads(_read(self._socket.fileno(), size).decode("ascii")) if size else None
        except OSError:
            return None

    def end(self):
        """Let it go, and what it runs with it."""
        self._socket.close()
        kill_group(self.pid)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def run(request, serving=None):
    """Be a run: pytest on the request's sources, from its folder, with its arguments; gives pytest's exit status."""
    if serving is None:
        limit(request["memory"], request["seconds"], _MOST_OF_A_FILE)
    os.chdir(request["folder"])
    os.environ.update(request["environ"])
    tempfile.tempdir = None  # it was another one's
    sys.path[0] = request["folder"]  # as `python -m pytest` has it
    sys.path.append(_HERE)
    sys.argv = ["pytest"] + request["arguments"]
    sys.pycache_prefix, sys.dont_write_bytecode = request["environ"]["PYTHONPYCACHEPREFIX"], False
    if request["mount"]:
        mount(request["overlay"], request["file"] + ".mounted")
    overlay(request["overlay"])
    import pytest

    ending = _quick_end(request, always_watch=serving is not None)
    plugins = [ending] if serving is None else [ending, serving(ending)]
    return int(pytest.main(request["arguments"], plugins=plugins))


def _serve_collected(channel, ending):
    """A plugin that, when the tests are collected, forks for each request; the forks go on to run those asked for."""
    import pytest
    from fixer_batch import Batch  # type: ignore[import-not-found]
    from fixer_failures import fail_once, place_once, read_tests  # type: ignore[import-not-found]
    from fixer_reports import say_little  # type: ignore[import-not-found]
    from fixer_swap import Recorder, Swapper  # type: ignore[import-not-found]

    recorder = Recorder()
    recorder.start()

    class ServeCollected:
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtestloop(self, session):
            ran = recorder.stop()
            if session.testsfailed or ran is None:
                os._exit(0)  # what could not be collected, or seen, has to be imported again
            swapper = Swapper(ran)
            batch = Batch(session, swapper)
            say_little(session.config.pluginmanager)
            fail_once()
            place_once(session.items)
            read_tests(getattr(item, "function", None) for item in session.items)
            gc.freeze()
            adopt_orphans()
            for request in received(channel.fileno()):
                with contextlib.suppress(SyntaxError, ValueError, OSError):
                    swapper.prepare(path for files in _candidates(request) for path in files)
                if "batch" in request:
                    batch.prepare(request["vital"], request["late"])
                child = forked(None, (channel.fileno(),))
                if not child and "batch" in request:
                    limit(request["memory"], request["seconds"], _MOST_OF_A_FILE)
                    batch.run(request)
                if not child:
                    ending.take(request)
                    return _become(request, swapper, session)
                answer = json.dumps(outcome(child, request["seconds"], channel.fileno())).encode("ascii")
                channel.sendall(len(answer).to_bytes(8, "big") + answer)
            os._exit(0)

    return ServeCollected()


def _candidates(request):
    return request.get("batch") or [request["overlay"]]


def _become(request, swapper, session):
    limit(request["memory"], request["seconds"], _MOST_OF_A_FILE)
    overlay(request["overlay"])
    if not swapper.swap(request["overlay"]):
        os._exit(_UNFIT)
    take_environment(request["environ"])
    session.config.pluginmanager.get_plugin("fixer-probe-hooks").take_over(request["environ"], session)


def _spawned(request):
    with open(request["file"], "w", encoding="ascii") as file:
        json.dump(request, file)
    environ = dict(os.environ, FIXER_FORK_OVERLAY=request["file"], **request["environ"])
    process = subprocess.Popen([sys.executable, os.path.abspath(__file__)], env=environ, start_new_session=True)
    process.returncode = 0  # waited for by its number, as a fork is
    return process.pid


def _quick_end(request, *, always_watch):
    """A plugin that leaves as soon as all is written: pytest's own end and Python's take longer than most tests.

    A test that is `needed` ends everything where it fails, or where it hangs if it is the first of them. With
    `always_watch`, later requests may want to know too which modules there are, and whether processes were started.
    """
    import pytest

    starts = starts_processes() if request["modules"] or always_watch else bool

    class QuickEnd:
        def __init__(self):
            self.take(request)

        def take(self, request):
            self._modules, self._needed = request["modules"], list(request["needed"])

        def pytest_runtest_logreport(self, report):
            needed = report.failed and report.nodeid in self._needed
            if needed and (report.nodeid != self._needed[0] or _is_timeout(report)):
                self._session.shouldstop = "a test failed that is needed"

        def pytest_sessionstart(self, session):
            self._session = session

        @pytest.hookimpl(hookwrapper=True, tryfirst=True)
        def pytest_sessionfinish(self, session):
            yield
            if self._modules:
                with open(self._modules, "w", encoding="ascii") as file:
                    own = {os.path.realpath(module.__file__): module.__name__ for module in own_modules()}
                    json.dump({"installed": installed_modules(), "own": own, "starts processes": starts()}, file)
            os._exit(int(session.exitstatus))

    return QuickEnd()


def _is_timeout(report):
    return json.loads(getattr(report, "_fixer", "{}")).get("type") == "Timeout"


def preload(names):
    """Import once what every run would import; nothing of the project, which is what changes."""
    if "pytest" in sys.modules and all(name in sys.modules for name in names):
        return
    import _pytest.assertion.rewrite
    import pytest  # noqa: F401

    for name in names:
        try:
            importlib.import_module(name)
        except BaseException:  # it may be importable only where it was; each run tries again by itself
            sys.modules.pop(name, None)
    # Plugins imported before pytest looks for them make it warn, and many projects turn warnings into errors.
    setattr(_pytest.assertion.rewrite.AssertionRewritingHook, "_warn_already_imported", lambda *_: None)  # noqa: B010
    gc.collect()
    gc.freeze()


def received(descriptor, stop=None, seconds=None):
    """Requests until the input ends, or `stop` has something to read, or none comes for so many seconds.

    A stop that came too late is passed over.
    """
    while True:
        ready = select.select([descriptor, stop], [], [], seconds)[0] if stop is not None else [descriptor]
        if stop in ready or not ready:
            return
        header = _read(descriptor, 8)
        if len(header) < 8:
            return
        size = int.from_bytes(header, "big")
        if size:
            yield json.loads(_read(descriptor, size).decode("ascii"))


def send(descriptor, message):
    """One message, of the form in which requests come."""
    content = json.dumps(message).encode("ascii")
    content = len(content).to_bytes(8, "big") + content
    while content:
        content = content[os.write(descriptor, content) :]


def _read(descriptor, size):
    parts = []
    while size:
        part = os.read(descriptor, size)
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


if __name__ == "__main__":
    main()
