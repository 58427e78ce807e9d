"""Knows which of the project's files a process has read, and whether what it knows of them is still true."""

import os
import sys
import threading

_HERE = os.path.dirname(os.path.abspath(__file__))
_CONFIGURING = ("conftest.py", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")


class Opened:
    """The files, not installed ones, that this process has read: whether what it knows is still true."""

    def __init__(self):
        self._seen = {}
        self._on = True
        self._library = os.path.dirname(os.__file__) + os.sep
        self._ours: "tuple[str, ...]" = ("/proc/", "/dev/", "/sys/", self._library, _HERE)
        sys.addaudithook(self._note)

    def forget(self):
        """Watch no longer."""
        self._on = False

    def leave_out(self, folder):
        """What is in it is made for each run: pytest's own cache, which says nothing that a run is to know."""
        self._ours = (*self._ours, folder + os.sep)

    def watch_for_new(self, config):
        """Also see where a file comes to be that pytest would have read."""
        top = str(getattr(config, "rootpath", None) or config.rootdir)
        folders = {top}
        for argument in config.args:
            folder = os.path.dirname(os.path.abspath(argument.partition("::")[0]))
            while folder.startswith(top + os.sep):
                folders.add(folder)
                folder = os.path.dirname(folder)
        for folder in folders:
            for name in _CONFIGURING:
                path = os.path.join(folder, name)
                self._seen.setdefault(path, _signature(path))

    def add(self, paths, since):
        """These were read too; whether none of them has been written since then, in nanoseconds."""
        for path in paths:
            self._seen[path] = _signature(path)
        return all(self._seen[path] is not None and max(self._seen[path][:2]) < since for path in paths)

    def is_shared(self):
        """Whether something else goes on in this process, which a fork would not have."""
        return _threads() > 1

    def changed(self):
        """The files that are not what they were when they were read."""
        return [path for path, signature in self._seen.items() if _signature(path) != signature]

    def why_unfit(self):
        """Why this process cannot be forked from, or not any more; empty where it can."""
        if self.is_shared():
            return "something that is imported starts threads"
        changed = self.changed()
        return "%s has changed" % changed[0] if changed else ""

    def _note(self, event, arguments):
        if not self._on or event != "open" or not isinstance(arguments[0], str):
            return
        path, writes = arguments[0], (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR)
        if writes or path in self._seen or path.startswith(self._ours):
            return
        if "site-packages" in path or "dist-packages" in path or path.startswith(sys.pycache_prefix or "\0"):
            return
        path = os.path.abspath(path)
        self._seen[path] = _signature(path)


def _signature(path):
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _threads():
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return threading.active_count()
