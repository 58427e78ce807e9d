"""Keeps what a run does to itself: its limits, its end, and that no process of it is left behind."""

import contextlib
import os
import select
import signal
import sys
import tempfile
import time

try:
    import resource
except ImportError:
    resource = None  # type: ignore[assignment]

_POLL_SECONDS = 0.001
_LONG_POLL_SECONDS = 1.0


def forked(work, not_its_own):
    """The process id of a fork that does the work and nothing else; without work, 0 in the fork itself."""
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        die_with_parent()
        for descriptor in not_its_own:
            os.close(descriptor)
        if work is None:
            return 0
        os._exit(work())
    except BaseException:
        os._exit(70)


def outcome(child, seconds, requests, spared=()):
    """Wait for a run's end, its time limit or a stop; leave no process of it behind."""
    deadline = time.monotonic() + seconds
    status, stopped = None, False
    with _ending(child) as (endings, pause):
        while status is None and not stopped:
            pid, code = os.waitpid(child, os.WNOHANG)
            if pid:
                status = code
            else:
                left = deadline - time.monotonic()
                ready = select.select([requests, *endings], [], [], min(pause, max(left, 0)))[0]
                stopped = left < 0 or requests in ready
    kill_group(child)
    if status is None:
        os.waitpid(child, 0)
    _bury_orphans(spared)
    return {"signal": os.WTERMSIG(status), "code": _exit_code(status)} if status is not None else {}


@contextlib.contextmanager
def _ending(child):
    """What becomes readable when the child ends, and seconds after which to look without that."""
    try:
        descriptor = os.pidfd_open(child)  # type: ignore[attr-defined,unused-ignore]
    except (AttributeError, OSError):  # Python 3.8, an older Linux, another system
        yield [], _POLL_SECONDS
        return
    try:
        yield [descriptor], _LONG_POLL_SECONDS
    finally:
        os.close(descriptor)


def leaves_nothing(child):
    """Whether nothing will be left of a run that dies now: it has made no processes that live."""
    try:
        tasks = os.listdir("/proc/%d/task" % child)
        return _children() == [child] and not any(_children_of(child, task) for task in tasks)
    except OSError:
        return False


def limit(memory, seconds, size=None):
    """Bound this process, in bytes of address space, seconds of work and, where given, bytes of each file it writes."""
    if resource is None:
        return
    limits = [(resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, int(seconds) + 1), (resource.RLIMIT_CORE, 0)]
    for kind, most in limits + ([(resource.RLIMIT_FSIZE, size)] if size else []):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def take_environment(environ):
    """In a fork of a process that began for another run: leave things where this one may."""
    os.environ.update({name: value for name, value in environ.items() if not name.startswith("FIXER_")})
    tempfile.tempdir = None


def adopt_orphans():
    """Make what a run leaves behind a child of this process, where the system can."""
    _prctl(36, 1)  # PR_SET_CHILD_SUBREAPER


def kill_group(leader):
    """Kill a process and its group."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        with contextlib.suppress(ProcessLookupError):
            os.kill(leader, signal.SIGKILL)  # stopped before it had a group of its own


def _bury_orphans(spared):
    """Kill what a run left behind outside its group; children of the killed come to us in turn."""
    deadline = time.monotonic() + 1
    left = [child for child in _children() if child not in spared]
    while left and time.monotonic() < deadline:
        for child in left:
            kill_group(child)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, 0)
        left = [child for child in _children() if child not in spared]


def _children():
    try:
        return _children_of(os.getpid(), os.getpid())
    except OSError:
        return []


def _children_of(process, task):
    with open("/proc/%d/task/%s/children" % (process, task)) as file:
        return [int(pid) for pid in file.read().split()]


def _exit_code(status):
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else None


def die_with_parent():
    """End when whoever started this process ends, however that happens; on Linux only."""
    _prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _prctl(option, value):
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
