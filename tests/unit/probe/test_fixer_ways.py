"""A process that makes runs goes on where whoever asked directly hangs up and asks by the channel."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

from fixer_ways import Ways  # type: ignore[import-not-found]


class Fork:
    """Says what it is told to say, and remembers what it was asked."""

    def __init__(self, *says: dict[str, bool]) -> None:
        self.line, self.other = os.pipe()
        self.says = list(says)
        self.was_asked: list[object] = []

    def ask(self, request: object) -> None:
        self.was_asked.append(request)

    def said(self) -> dict[str, bool]:
        return self.says.pop(0)


def test_a_caller_that_has_hung_up_is_forgotten_also_when_the_channel_asks(tmp_path: Path) -> None:
    near, far = socket.socketpair()
    ways = Ways(far, str(tmp_path))
    caller = socket.socket(socket.AF_UNIX)
    caller.connect(str(tmp_path / "direct"))
    assert ways.next(Fork()) == {"gone": True}
    assert ways.caller is not None
    caller.close()
    request = json.dumps({"files": []}).encode()
    near.sendall(len(request).to_bytes(8, "big") + request)
    assert ways.next(Fork({"gone": True})) == {"gone": True}
    assert ways.caller is None
    again = Fork({"begun": True})
    assert ways.next(again) == {"begun": True}
    assert again.was_asked == [{"files": []}]
    near.close()
    ways.close()
