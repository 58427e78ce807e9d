"""Forks a run before it is asked for, and answers as soon as it says that it is done.

While nobody is waiting, the process is forked and the memory that runs write to is copied; and while somebody reads
what a run has told, the run dies. What is forked ahead has seen nothing that a run forked on demand would not see.
"""

import array
import contextlib
import ctypes
import os
import select
import socket
import time

from fixer_contain import forked, kill_group, leaves_nothing, outcome  # type: ignore[import-not-found]
from fixer_fork import received, send  # type: ignore[import-not-found]

_POPULATE_WRITE = 23  # MADV_POPULATE_WRITE, Linux 5.14
_EXCLUSIVE, _PRESENT = 1 << 56, 1 << 63
"""What the kernel says of a page in /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst)."""
_AT_A_TIME = 64
_LEARN_SECONDS = 1


class Ahead:
    """A fork that waits to be asked; in itself, the far end. `written` is memory that runs write to."""

    def __init__(self, written):
        near, far = socket.socketpair()
        self.pid = forked(None, ())
        self._written = written
        self._line = near if self.pid else far
        (far if self.pid else near).close()

    @property
    def line(self):
        """The descriptor to hear of it by."""
        return self._line.fileno()

    def ask(self, request):
        """Have it take this request."""
        with contextlib.suppress(OSError):
            send(self.line, request)

    def said(self):
        """That it has "begun" or is "stale", or that who would have asked it is "gone"; nothing where it has died."""
        return _message(self.line)

    def asked(self, caller):
        """In the fork: the request that it is to take, of the process that made it or of this caller."""
        lines = [self.line] if caller is None else [self.line, caller]
        _copy(self._written or (), lines)
        request = _message(select.select(lines, [], [])[0][0])
        if not request:
            self.leave({"gone": True})
        return request

    def begin(self, **facts):
        """In the fork: say that it has begun."""
        send(self.line, dict(facts, begun=True))
        _own.append((os.getpid(), self._line, self._written is None))

    def leave(self, why):
        """In the fork: end without having begun."""
        with contextlib.suppress(OSError):
            send(self.line, why)
        os._exit(0)

    def outcome(self, seconds, requests, tell):
        """Tell how it ended, and leave nothing of it behind; gives the memory that it wrote to, where that is new."""
        deadline = time.monotonic() + seconds
        leaves_nothing(self.pid)  # now that there is time: what has been done once is done faster
        code = self._word(deadline, requests)
        early = code is not None and leaves_nothing(self.pid)
        if early:
            tell({"signal": 0, "code": code})
        written = self._learned() if early else None
        found = outcome(self.pid, max(0.0, deadline - time.monotonic()), requests)
        self._line.close()
        if not early:
            tell(found)
        return self._written if written is None else written

    def end(self):
        """Not wanted any more."""
        self._line.close()
        kill_group(self.pid)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def _word(self, deadline, requests):
        """The exit status that it says it will have; None where it dies without a word, or has to be stopped."""
        ready = select.select([self.line, requests], [], [], max(0.0, deadline - time.monotonic()))[0]
        return _message(self.line).get("code") if self.line in ready else None

    def _learned(self):
        if self._written is not None:
            return None
        ready = select.select([self.line], [], [], _LEARN_SECONDS)[0]
        return ranges(_message(self.line).get("written", ())) if ready else None


def say_ended(status):
    """In a run: tell that nothing is left to do but to die; nothing where it was not forked ahead."""
    for process, line, is_first in _own:
        if os.getpid() != process:
            return  # a test has forked, and what it forked comes this way too
        with contextlib.suppress(OSError):
            send(line.fileno(), {"code": status})
            if is_first:
                send(line.fileno(), {"written": _written()})


def ranges(told):
    """What a run has told of the memory that it wrote to; nothing where that is something else."""
    with contextlib.suppress(TypeError, ValueError):
        return [(int(start), int(size)) for start, size in told]
    return []


_own: "list[tuple[int, socket.socket, bool]]" = []


def _message(descriptor):
    """Nothing where there is none, or something else has written here."""
    with contextlib.suppress(OSError, ValueError, MemoryError):
        for message in received(descriptor):
            return message if isinstance(message, dict) else {}
    return {}


def _written():
    """[start, size] of what this process has copied or made since it was forked; nothing where nobody can tell."""
    size = os.sysconf("SC_PAGE_SIZE")
    found: "list[list[int]]" = []
    with contextlib.suppress(OSError, ValueError), open("/proc/self/pagemap", "rb") as pages:
        for start, end in _private():
            pages.seek(start // size * 8)
            entries = array.array("Q", pages.read((end - start) // size * 8))
            own = [at for at, entry in enumerate(entries) if entry & _EXCLUSIVE and entry & _PRESENT]
            for at in own:
                if found and sum(found[-1]) == start + at * size:
                    found[-1][1] += size
                else:
                    found.append([start + at * size, size])
    return found


def _private():
    """The ranges of addresses that can be written to and are nobody else's, but for the stack."""
    with open("/proc/self/maps") as file:
        for line in file:
            fields = line.split()
            if fields[1] == "rw-p" and (len(fields) < 6 or fields[5] == "[heap]" or fields[5][0] != "["):
                start, _, end = fields[0].partition("-")
                yield int(start, 16), int(end, 16)


def _copy(written, lines):
    """Have this memory copied now, as far as there is time: the kernel would do it page by page when it is written."""
    if not written:
        return
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for number, (start, size) in enumerate(written):
        if number % _AT_A_TIME == 0 and select.select(lines, [], [], 0)[0]:
            return
        advise(start, size, _POPULATE_WRITE)  # what is refused is copied when it is written
