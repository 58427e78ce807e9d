"""How a process that makes runs is asked: through the processes that it came from, or directly, which is quicker.

Directly, it is the run itself that is asked, which has been forked ahead.
"""

import contextlib
import os
import select
import socket

from fixer_fork import received, send  # type: ignore[import-not-found]

_NAME = "direct"
"""Of the socket, beside what runs print; the folder is nobody else's."""


class Ways:
    """The channel by which this process is asked, and a socket in that folder for whoever was answered there before."""

    def __init__(self, channel, folder):
        self._channel = channel
        self._listener = _listener(os.path.join(folder, _NAME))
        self._caller = None
        self._asked = None

    @property
    def caller(self):
        """The descriptor of who asks directly; None where nobody does."""
        return self._caller.fileno() if self._caller else None

    @property
    def asking(self):
        """The descriptor of who asks now."""
        return self.caller if self._asked is None and self._caller else self._channel.fileno()

    def next(self, ahead):
        """Wait until a run is asked for, and have this fork take it; gives what that says of it.

        Nothing is said by a fork that has died; and "gone" is, besides, who would have asked it.
        """
        event = "channel" if self._asked else self._wait(ahead.line)
        if event == "caller":
            self._take_on()  # of whom this fork knows nothing
            return {"gone": True}
        if event == "channel":
            self._asked = self._asked or next(received(self._channel.fileno()), None)
            if not self._asked:
                return {"stale": True}
            ahead.ask(self._asked)
        said = ahead.said()
        if "begun" not in said and "stale" not in said:
            self._hang_up()  # also where the channel has asked: whoever hung up asks that way, and goes on doing so
        return said

    def tell(self, message):
        """Answer who asks; what nobody waits for any more is told to nobody."""
        with contextlib.suppress(OSError):
            send(self.asking, message)

    def done(self):
        """The run that was asked for has been made."""
        self._asked = None

    def close(self):
        """In a run, which has been asked."""
        for way in (self._channel, self._listener, self._caller):
            if way:
                way.close()

    def _wait(self, line):
        """Until there is something to read; what that is: "line", "channel" or "caller", a new one."""
        descriptors = {"line": line, "channel": self._channel.fileno()}
        if self._listener:
            descriptors["caller"] = self._listener.fileno()
        ready = select.select(list(descriptors.values()), [], [])[0]
        return next(name for name, descriptor in descriptors.items() if descriptor in ready)

    def _take_on(self):
        """The newest caller is the one that counts: a test that found the socket would be asked for nothing."""
        self._hang_up()
        with contextlib.suppress(OSError):
            self._caller = self._listener.accept()[0]

    def _hang_up(self):
        if self._caller:
            self._caller.close()
            self._caller = None


def _listener(path):
    """Nothing where there can be none: the path may be too long for it."""
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        return listener
    except (AttributeError, OSError):
        return None
