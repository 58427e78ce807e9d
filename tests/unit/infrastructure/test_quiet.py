"""A muted thread is silent, and only that thread, and only that long."""

from __future__ import annotations

import sys
import threading
import warnings

import pytest

from fixer.infrastructure.quiet import Quiet


def test_prints_and_warnings_are_swallowed(capsys: pytest.CaptureFixture[str]) -> None:
    with Quiet():
        print("out")
        print("err", file=sys.stderr)
        sys.stdout.writelines(["lines"])
        warnings.warn("odd", UserWarning, stacklevel=1)
    assert capsys.readouterr() == ("", "")


def test_other_threads_are_heard(capsys: pytest.CaptureFixture[str]) -> None:
    with Quiet():
        thread = threading.Thread(target=print, args=("working",))
        thread.start()
        thread.join()
    assert capsys.readouterr().out == "working\n"


def test_what_is_meant_to_be_heard_is_heard(capsys: pytest.CaptureFixture[str]) -> None:
    with Quiet() as quiet:
        quiet.aloud(print, "again in 2 s")
        print("silent")
    assert capsys.readouterr().out == "again in 2 s\n"


def test_the_streams_are_given_back_also_after_an_exception(capsys: pytest.CaptureFixture[str]) -> None:
    out = sys.stdout
    with pytest.raises(LookupError), Quiet():
        raise LookupError
    assert sys.stdout is out
    print("heard")
    assert capsys.readouterr().out == "heard\n"


def test_a_stream_that_was_wrapped_meanwhile_stays_audible(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = Quiet()
    quiet.__enter__()
    monkeypatch.setattr(sys, "stdout", _Wrapper(sys.stdout))
    quiet.__exit__()
    print("heard")
    assert capsys.readouterr().out == "heard\n"


class _Wrapper:
    def __init__(self, stream: object) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)
