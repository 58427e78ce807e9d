"""Which lines of the project a test executes, by the quickest means that its Python has. Python 3.8 and newer."""

import os
import sys
import threading


def new_tracer(folders):
    """What is told when a test starts, and when it stops gives its lines: file to sorted line numbers."""
    return cheap_tracer(folders) or _SettraceTracer(folders)


def cheap_tracer(folders):
    """The same where it costs next to nothing, which is from Python 3.12 on; or None."""
    if hasattr(sys, "monitoring"):
        try:
            return _MonitoringTracer(folders)
        except (StopIteration, ValueError):  # every tool id is taken
            pass
    return None


class _SettraceTracer:
    """Executed lines by `sys.settrace`, for Python before 3.12."""

    def __init__(self, folders):
        self._scope = _Scope(folders)
        self._seen = {}

    def start(self):
        self._seen = {}
        threading.settrace(self._enter)
        sys.settrace(self._enter)

    def stop(self):
        sys.settrace(None)
        threading.settrace(None)
        return {file: sorted(lines) for file, lines in self._seen.items() if lines}

    def _enter(self, frame, event, argument):
        del event, argument
        file = self._scope.path_of(frame.f_code.co_filename)
        if file is None:
            return None
        lines = self._seen.setdefault(file, set())

        def step(frame, event, argument):
            del argument
            if event == "line":
                lines.add(frame.f_lineno)
            return step

        return step


class _MonitoringTracer:
    """Executed lines by `sys.monitoring` (PEP 669): only the project's code is watched, and each line once a test."""

    def __init__(self, folders):
        self._scope = _Scope(folders)
        self._seen = {}
        self._monitoring = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
        self._line_event = self._monitoring.events.LINE
        self._tool = next(tool for tool in (4, 3, 2, 1) if self._monitoring.get_tool(tool) is None)
        self._monitoring.use_tool_id(self._tool, "fixer")
        self._monitoring.register_callback(self._tool, self._monitoring.events.PY_START, self._enter)
        self._monitoring.register_callback(self._tool, self._line_event, self._line)
        self._monitoring.set_events(self._tool, self._monitoring.events.PY_START)

    def start(self):
        # Not restart_events: that would wake up every line of pytest and the standard library, too.
        for code in list(self._seen):
            self._monitoring.set_local_events(self._tool, code, 0)
            self._monitoring.set_local_events(self._tool, code, self._line_event)
        self._seen = {}

    def stop(self):
        files = {}  # type: dict[str, set[int]]
        for code, lines in list(self._seen.items()):
            files.setdefault(self._scope.path_of(code.co_filename), set()).update(lines)
        return {file: sorted(lines) for file, lines in files.items()}

    def _enter(self, code, offset):
        del offset
        if self._scope.path_of(code.co_filename) is not None:
            self._monitoring.set_local_events(self._tool, code, self._line_event)
        return self._monitoring.DISABLE

    def _line(self, code, line):
        self._seen.setdefault(code, set()).add(line)
        return self._monitoring.DISABLE


class _Scope:
    """Which files' lines count: below the folders, and not installed there."""

    def __init__(self, folders):
        self._folders = tuple(os.path.join(folder, "") for folder in folders)
        self._known = {}

    def path_of(self, name):
        if name not in self._known:
            self._known[name] = self._look(name)
        return self._known[name]

    def _look(self, name):
        path = os.path.realpath(name)
        folder = next((folder for folder in self._folders if path.startswith(folder)), None)
        if folder is None or name.startswith("<"):
            return None
        parts = path[len(folder) :].split(os.sep)
        return None if {"site-packages", ".venv", "venv", ".tox", ".nox"}.intersection(parts) else path
