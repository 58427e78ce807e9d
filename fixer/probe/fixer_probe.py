"""A pytest plugin that writes down what pytest knows, one JSON line per fact: a crash loses no verdict.

It is injected with `-p fixer_probe` into the project's own interpreter and configured by FIXER_PROBE_* variables:
OUT (file to append to), NONCE (in every line, unknown to the code under test) or NONCE_FILE (holds it, is deleted),
SELECT and DESELECT (files with a JSON list of exact node ids), TIMEOUT (seconds per phase of a test), TRACE (JSON list
of folders whose executed lines count), TRACE_IF_CHEAP (the same, where it costs next to nothing), IMPORTS (set: tell of
the files of all imported modules), INSTALLED (set: tell of the names of those that are not the project's).
Python 3.8 and newer, pytest 6.2 and newer. It must warn about nothing: many projects turn warnings into errors.
"""

import _signal  # type: ignore[import-not-found,unused-ignore]
import faulthandler
import json
import linecache
import os
import signal
import sys
import threading
import traceback

import pytest
from fixer_modules import installed_modules, is_rewritten  # type: ignore[import-not-found]
from fixer_reports import print_less  # type: ignore[import-not-found]

TEXT_LIMIT = 40000
"""Characters of a text that are kept, half from each end; whole lines."""
FRAME_LIMIT = 60
MOST_LINES = 30000000
"""Bytes of executed lines that are written where nobody asked for them expressly; of further tests nothing is known."""
AT_ONCE_SECONDS = 1.0
"""A phase that took so long is told of at once, so that who waits hears of it; quicker ones with what comes next."""

_HERE = os.path.dirname(os.path.abspath(__file__))
_settings: "dict[str, str]" = {}


class Timeout(BaseException):
    """A test took too long. A BaseException, because tests and the code under test catch Exception."""

    threads = ""
    """The stacks of all other threads."""


def pytest_addoption(parser):
    """The first hook of all, before any conftest: take our variables out of sight of the project."""
    del parser
    for name in (
        "OUT",
        "NONCE",
        "SELECT",
        "DESELECT",
        "TIMEOUT",
        "TRACE",
        "TRACE_IF_CHEAP",
        "IMPORTS",
        "INSTALLED",
        "NONCE_FILE",
    ):
        value = os.environ.pop("FIXER_PROBE_" + name, None)
        if value is not None:
            _settings[name] = value
    if "NONCE_FILE" in _settings:
        with open(_settings["NONCE_FILE"], encoding="ascii") as file:
            _settings["NONCE"] = file.read()
        os.unlink(_settings.pop("NONCE_FILE"))
    if "OUT" in _settings:
        from fixer_contain import die_with_parent  # type: ignore[import-not-found]

        die_with_parent()
    _leave_paths()
    if hasattr(signal, "SIGUSR2"):
        # A copy of the real stderr: during a test, descriptor 2 is pytest's.
        faulthandler.register(signal.SIGUSR2, file=os.fdopen(os.dup(2), "w"), all_threads=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_load_initial_conftests(early_config):
    """Coverage that the project asks for would write its reports and demand its percentage of a part of the tests."""
    if hasattr(early_config.known_args_namespace, "no_cov"):
        early_config.known_args_namespace.no_cov = True
    outcome = yield
    if outcome.excinfo is not None and "OUT" in _settings:
        _tell_of_conftest(early_config, outcome.excinfo[1])


def pytest_configure(config):
    """Begin, here or in an xdist worker, which is told our settings by its controller."""
    settings = dict(getattr(config, "workerinput", {}).get("fixer_probe") or _settings)
    if "OUT" in settings:
        from fixer_failures import parse_once  # type: ignore[import-not-found]

        parse_once()
        config.pluginmanager.register(Probe(config, settings), "fixer-probe-hooks")


def _tell_of_conftest(config, raised):
    """pytest gives up before there is a session; what is known of the project until then is told."""
    facts = _conftest_facts(config, raised)
    if facts:
        Probe(config, _settings).tell_of_conftest(facts)


class Probe:
    """The hooks of one session."""

    def __init__(self, config, settings):
        self._config = config
        self._settings = settings
        self._is_worker = hasattr(config, "workerinput")
        # Kept here, because tests replace these functions, and whole file systems, while a report is written.
        self._encode, self._open, self._put, self._close = json.dumps, os.open, os.write, os.close
        self._own_id = os.getpid
        self._process = self._own_id()
        self._seconds = self._limit()
        self._tracer = _tracer(settings)
        self._kept = b""
        self._another_follows = False
        self._plugins = None
        self._lines_left = MOST_LINES if "TRACE_IF_CHEAP" in settings else sys.maxsize

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node):
        node.workerinput["fixer_probe"] = self._settings

    def begin(self, nonce, traced=""):
        """In a fork that was made since the session began: these are its own records, and lines, from here on."""
        if traced:
            self._tracer = _tracer({"TRACE": traced})
        self._settings["NONCE"], self._process = nonce, self._own_id()
        self._write_session(self._config)

    def take_over(self, environ, session):
        """In a fork of a process that has collected these tests and others, for other runs: this one's own settings."""
        names = [name for name in environ if name.startswith("FIXER_PROBE_")]
        self._settings.update({name[len("FIXER_PROBE_") :]: environ[name] for name in names})
        self._seconds = self._limit()
        wanted = self._ids("SELECT")
        session.items[:] = [item for item in session.items if wanted is None or item.nodeid in wanted]
        self.begin(self._settings["NONCE"])

    def choose_all(self):
        """In a process that others will be forked from, which choose for themselves."""
        for name in ("SELECT", "DESELECT"):
            self._settings.pop(name, None)

    def pytest_sessionstart(self, session):
        self._write_session(session.config)
        print_less(session.config.pluginmanager)

    def tell_of_conftest(self, facts):
        """A conftest.py that cannot be imported; nothing else will be heard of this process."""
        self._write_session(self._config)
        self._write("collect-error", **facts)

    def _write_session(self, config):
        if self._plugins is None:  # reading their names takes a while, and forks need not do it again
            found = config.pluginmanager.list_plugin_distinfo()
            self._plugins = sorted({distribution.project_name for _, distribution in found})
        self._write(
            "session",
            rootdir=_rootdir(config),
            pytest=pytest.__version__,
            python=".".join(map(str, sys.version_info[:3])),
            plugins=self._plugins,
        )

    def pytest_runtestloop(self):
        self._process = self._own_id()  # which may be a fork made since, but not one that a test makes from here on

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config, items):
        wanted, unwanted = self._ids("SELECT"), self._ids("DESELECT") or ()
        kept = [item for item in items if (wanted is None or item.nodeid in wanted) and item.nodeid not in unwanted]
        remaining = {id(item) for item in kept}
        left_out = [item for item in items if id(item) not in remaining]
        items[:] = kept
        if left_out:
            config.hook.pytest_deselected(items=left_out)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector):
        outcome = yield
        report = outcome.get_result()
        if report.failed:
            raised = getattr(getattr(report, "call", None), "excinfo", None)
            facts = _collect_facts(collector, raised)
            facts.update(_conftest_facts(collector.config, getattr(raised, "value", None)))
            report._fixer = json.dumps(facts)

    def pytest_collectreport(self, report):
        if report.failed:
            text = _cut(_longrepr_text(report))
            self._write("collect-error", **{"nodeid": report.nodeid, "text": text, **_facts(report)})

    def pytest_collection_finish(self, session):
        if session.config.option.collectonly:
            self._write("collected", files=sorted({item.nodeid.partition("::")[0] for item in session.items}))

    def pytest_deselected(self, items):
        wanted = self._ids("SELECT") or ()
        lost = [item.nodeid for item in items if item.nodeid in wanted]
        if lost:
            self._write("deselected", nodeids=lost)

    def pytest_runtest_logstart(self, nodeid):
        self._write("start", nodeid=nodeid)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self):
        if self._tracer is not None:
            self._tracer.start()
        yield

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_setup(self):
        with _Limit(self._seconds):
            yield

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self):
        with _Limit(self._seconds):
            yield

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_teardown(self, nextitem):
        self._another_follows = nextitem is not None
        with _Limit(self._seconds):
            yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, call):
        outcome = yield
        if call.excinfo is not None:
            outcome.get_result()._fixer = json.dumps(_exception_facts(call.excinfo))
        if call.when == "teardown" and self._tracer is not None:
            # With the report, because that travels from an xdist worker to where it is written down.
            outcome.get_result()._fixer_lines = json.dumps(self._tracer.stop())

    def pytest_runtest_logreport(self, report):
        if type(report).__name__.lower() == "subtestreport" and not report.failed:
            return  # a part of a test; the test itself is reported too
        facts = {"nodeid": report.nodeid, "when": report.when, "outcome": report.outcome, "seconds": report.duration}
        if hasattr(report, "wasxfail"):
            facts["xfail"] = str(report.wasxfail)
        elif report.skipped:
            facts["skip"] = _skip_reason(report)
        if report.failed:
            threads = _facts(report).get("threads", "")
            facts["text"] = _cut("\n\n".join(filter(None, [_longrepr_text(report), threads])))
            facts["sections"] = [[name, _cut(text)] for name, text in report.sections]
            facts.update(_facts(report))
        # What has passed waits for the next test to begin: one visit to the file for each.
        is_last = report.when == "teardown" and not self._another_follows
        keep = report.passed and report.duration < AT_ONCE_SECONDS and not is_last
        lines = self._lines_of(report)
        self._write("report", keep=keep or bool(lines), **facts)
        if lines:
            self._write("lines", keep=keep, nodeid=report.nodeid, files=json.loads(lines))

    def pytest_internalerror(self, excrepr):
        self._write("internal-error", text=_cut(str(excrepr)))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus):
        if "IMPORTS" in self._settings:
            self._write("imports", files=_imported_files())
        if "INSTALLED" in self._settings:
            self._write("installed", names=_shareable())
        self._write("end", status=int(exitstatus))

    def _limit(self):
        return 0.0 if _has_own_timeout(self._config) else float(self._settings.get("TIMEOUT", "0"))

    def _lines_of(self, report):
        lines = getattr(report, "_fixer_lines", "")
        self._lines_left -= len(lines)
        return lines if self._lines_left > 0 else ""

    def _ids(self, name):
        if name not in self._settings:
            return None
        with open(self._settings[name], encoding="ascii") as file:
            return set(json.load(file))

    def _write(self, kind, keep=False, **facts):
        if self._is_worker or self._own_id() != self._process:
            return
        # The last two, because the runner looks at the end of the file.
        facts["kind"], facts["nonce"] = kind, self._settings.get("NONCE", "")
        self._kept += self._encode(facts).encode("ascii") + b"\n"
        if not keep:
            self._put_kept()

    def _put_kept(self):
        # Opened each time: a test may close every descriptor it finds.
        descriptor = self._open(self._settings["OUT"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            self._put(descriptor, self._kept)
            self._kept = b""
        finally:
            self._close(descriptor)


class _Limit:
    """Raises Timeout in the main thread when its block takes too long; no limit where signals cannot be had.

    `_signal`, because `signal.signal` makes an enum of each handler, which costs more than everything else here.
    """

    def __init__(self, seconds):
        self._on = seconds > 0 and hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread()
        self._seconds = seconds

    def __enter__(self):
        if self._on:
            self._before = _signal.signal(signal.SIGALRM, self._stop)
            signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def __exit__(self, *_):
        if self._on:
            signal.setitimer(signal.ITIMER_REAL, 0)
            _signal.signal(signal.SIGALRM, self._before)

    def _stop(self, *_):
        timeout = Timeout("the test took longer than %g s" % self._seconds)
        timeout.threads = _other_threads()
        raise timeout


def _other_threads():
    """Where every thread but this one is; this one's place is told by the exception that is about to be raised."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    here = threading.get_ident()
    return "\n".join(
        "Thread %s (most recent call last):\n%s" % (names.get(ident, ident), "".join(traceback.format_stack(frame)))
        for ident, frame in sys._current_frames().items()
        if ident != here
    )


def _tracer(settings):
    if "TRACE" in settings:
        from fixer_trace import new_tracer  # type: ignore[import-not-found]

        return new_tracer(json.loads(settings["TRACE"]))
    if "TRACE_IF_CHEAP" in settings:
        from fixer_trace import cheap_tracer

        return cheap_tracer(json.loads(settings["TRACE_IF_CHEAP"]))
    return None


def _imported_files():
    found = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return sorted({os.path.realpath(file) for file in found if isinstance(file, str)})


def _shareable():
    """What another process may import before pytest: not what pytest rewrites, whose assertions would tell less."""
    return [name for name in installed_modules() if not is_rewritten(sys.modules[name])]


def _leave_paths():
    """Out of PYTHONPATH for the project's own processes; last in sys.path, where xdist's workers still find us."""
    kept = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path != _HERE]
    if kept:
        os.environ["PYTHONPATH"] = os.pathsep.join(kept)
    else:
        os.environ.pop("PYTHONPATH", None)
    if _HERE in sys.path:
        sys.path.remove(_HERE)
        sys.path.append(_HERE)


def _has_own_timeout(config):
    """Whether pytest-timeout, which uses the same alarm, is at work."""
    if not config.pluginmanager.hasplugin("timeout"):
        return False
    try:
        return bool(config.getoption("timeout", None) or config.getini("timeout"))
    except (KeyError, ValueError):
        return False


def _facts(report):
    return json.loads(getattr(report, "_fixer", "null") or "null") or {}


def _exception_facts(excinfo):
    return {
        "type": excinfo.type.__name__,
        "message": _cut(_text_of(excinfo.value)),
        "frames": _frames(excinfo.tb),
        "threads": getattr(excinfo.value, "threads", "") if isinstance(excinfo.value, Timeout) else "",
    }


def _rootdir(config):
    return str(getattr(config, "rootpath", None) or config.rootdir)


def _conftest_facts(config, raised):
    """Under its own id, because it hides every test below it; empty where something else was raised."""
    if type(raised).__name__ != "ConftestImportFailure":
        return {}
    error = getattr(raised, "cause", None) or raised.excinfo[1]
    nodeid = os.path.relpath(str(raised.path), _rootdir(config)).replace(os.sep, "/")
    start = error.__traceback__
    while start is not None and start.tb_frame.f_code.co_filename != str(raised.path):
        start = start.tb_next  # what pytest and the import system did until then explains nothing
    text = "".join(traceback.format_exception(type(error), error, start))
    return {"nodeid": nodeid, "text": _cut(text), **_error_facts(error)}


def _collect_facts(collector, excinfo):
    facts = {"path": str(getattr(collector, "path", None) or getattr(collector, "fspath", ""))}
    if excinfo is not None:
        facts.update(_error_facts(excinfo.value.__cause__ or excinfo.value))
    return facts


def _error_facts(error):
    frames = _frames(error.__traceback__)
    if isinstance(error, SyntaxError) and error.filename:
        frames.append([error.filename, error.lineno or 1, "<module>", (error.text or "").strip()])
    return {"type": type(error).__name__, "message": _cut(_text_of(error)), "frames": frames}


def _frames(traceback):
    """[file, line, function, source], outermost first; of a very long traceback both ends."""
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        line = traceback.tb_lineno or code.co_firstlineno  # some instructions stand in no line
        source = linecache.getline(code.co_filename, line).strip()
        frames.append([_absolute(code.co_filename), line, code.co_name, source])
        traceback = traceback.tb_next
    half = FRAME_LIMIT // 2
    return frames if len(frames) <= FRAME_LIMIT else frames[:half] + frames[-half:]


def _absolute(name):
    if name.startswith("<"):  # frozen or made up on the way: no file
        return name
    try:
        return os.path.abspath(name)
    except OSError:  # the working directory is gone
        return name


def _text_of(error):
    try:
        return str(error)
    except Exception as broken:
        return "<str() of the exception raised %s>" % type(broken).__name__


def _longrepr_text(report):
    try:
        return report.longreprtext
    except Exception as broken:
        return "<the report could not be shown: %s>" % type(broken).__name__


def _skip_reason(report):
    longrepr = report.longrepr
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr or "")


def _cut(text):
    """Whole lines from both ends; what is left out is said."""
    if len(text) <= TEXT_LIMIT:
        return text
    half = TEXT_LIMIT // 2
    head = text[:half].rpartition("\n")[0] or text[:half]
    tail = text[-half:].partition("\n")[2] or text[-half:]
    return "%s\n... %d characters left out ...\n%s" % (head, len(text) - len(head) - len(tail), tail)
