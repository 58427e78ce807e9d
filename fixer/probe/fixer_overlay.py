"""Puts texts in the place of files, for one process only, or also for all that it starts; nothing is written there."""

import builtins
import ctypes
import importlib.machinery
import io
import linecache
import os
import sys
import tokenize
import types

_NEW_MOUNTS, _NEW_USER = 0x20000, 0x10000000  # CLONE_NEWNS, CLONE_NEWUSER
_BIND, _ALL_PRIVATE = 0x1000, 0x44000  # MS_BIND, MS_REC | MS_PRIVATE
_STARTS = ("subprocess.Popen", "os.posix_spawn", "os.system", "os.exec", "os.spawn")
_TELL_ONLY = ("git", "hg", "ldconfig", "uname", "lscpu", "locale", "stty", "tput", "which", "hostname", "id")
"""Commands that run no Python of the project: plugins and libraries ask them about the machine and the repository."""


def overlay(files):
    """Make imports, tracebacks, `inspect` and whoever opens one of these files see the text in place of it."""
    contents = {}
    for name, text in files.items():
        content = text.encode("utf-8")
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        for path in (os.path.abspath(name), os.path.realpath(name)):
            contents[path] = text.encode(encoding)
            linecache.cache[path] = (len(content), None, text.splitlines(True), path)
    if contents:
        _patch_loader(contents)
        _patch_open(contents)


def starts_processes():
    """A function that tells whether this process, from now on, has started another that does not see an overlay."""
    started = []

    def note(event, arguments):
        if event in _STARTS and not _only_tells(arguments) and not _asks_system():
            started.append(event)

    sys.addaudithook(note)
    spawning = ("multiprocessing.popen_spawn_posix", "multiprocessing.popen_forkserver")
    return lambda: bool(started) or any(name in sys.modules for name in spawning)


def _only_tells(arguments):
    command = arguments[0] or (arguments[1][0] if len(arguments) > 1 and arguments[1] else "")
    return isinstance(command, (str, bytes, os.PathLike)) and os.path.basename(os.fsdecode(command)) in _TELL_ONLY


def _asks_system():
    """Whether Python itself wants to know something of the system: it runs `ldconfig` and the like for that."""
    frame: "types.FrameType | None" = sys._getframe(1)
    while frame and frame.f_globals.get("__name__") not in ("ctypes.util", "platform", "uuid"):
        frame = frame.f_back
    return frame is not None


def mount(files, folder):
    """Make all processes that this one starts see these texts too; whether the system lets us.

    The texts are written into the folder, and mounted over the files in a name space of this process.
    """
    if sys.platform != "linux" or not _own_name_space():
        return False
    os.makedirs(folder)
    for number, (name, text) in enumerate(files.items()):
        source = os.path.join(folder, "%d.py" % number)
        content = text.encode("utf-8")
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        with open(source, "wb") as file:
            file.write(text.encode(encoding))
        if _libc().mount(os.fsencode(source), os.fsencode(name), None, _BIND, None):
            return False
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # byte code is matched by size and second
    os.environ["PYTHONPYCACHEPREFIX"] = os.path.join(folder, "bytecode")
    return True


def _own_name_space():
    user, group = os.getuid(), os.getgid()
    if _libc().unshare(_NEW_MOUNTS):
        if _libc().unshare(_NEW_MOUNTS | _NEW_USER):
            return False
        for name, content in (("setgroups", "deny"), ("uid_map", "%d %d 1"), ("gid_map", "%d %d 1")):
            number = user if name == "uid_map" else group
            with open("/proc/self/" + name, "w") as file:
                file.write(content % (number, number) if "%" in content else content)
    return not _libc().mount(None, b"/", None, _ALL_PRIVATE, None)


def _libc():
    return ctypes.CDLL(None)


def _patch_loader(contents):
    loader = importlib.machinery.SourceFileLoader
    read, stats = loader.get_data, loader.path_stats

    def get_data(self, path):
        return contents[path] if path in contents else read(self, path)

    def path_stats(self, path):
        if path in contents:
            raise OSError("not on disk")  # so that byte code is neither read nor written
        return stats(self, path)

    for patched in (get_data, path_stats):
        setattr(loader, patched.__name__, patched)


def _patch_open(contents):
    really, really_code = io.open, io.open_code

    def content_of(file):
        if not isinstance(file, (str, os.PathLike)):
            return None
        name = os.fspath(file)
        return contents.get(os.path.abspath(name)) if isinstance(name, str) else None

    def opened(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, *more, **named):
        content = content_of(file) if set(mode) <= set("rbt") else None
        if content is None:
            return really(file, mode, buffering, encoding, errors, newline, *more, **named)
        if "b" in mode:
            return io.BytesIO(content)
        return io.TextIOWrapper(io.BytesIO(content), encoding, errors, newline)

    def opened_code(path):
        content = content_of(path)
        return really_code(path) if content is None else io.BytesIO(content)

    builtins.open = io.open = opened
    io.open_code = opened_code
