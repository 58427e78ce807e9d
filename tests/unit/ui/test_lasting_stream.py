"""A stream whose reader goes away."""

from __future__ import annotations

import io
import os

from fixer.ui.lasting_stream import lasting


def test_what_is_written_arrives_until_the_reader_goes_and_then_nothing_is_raised() -> None:
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "w") as stream:
        lasts = lasting(stream)
        lasts.write("one\n")
        lasts.flush()
        assert os.read(ours, 10) == b"one\n"
        os.close(ours)
        for _ in range(3):
            assert lasts.write("two\n") == 4
            lasts.flush()
        assert lasts.fileno() == stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, theirs)  # what stayed in the buffer has to go somewhere when the file is closed
        os.close(nowhere)


def test_it_is_what_it_wraps_in_all_else() -> None:
    stream = io.StringIO()
    assert lasting(stream).isatty() is False
    lasting(stream).write("x")
    assert stream.getvalue() == "x"
