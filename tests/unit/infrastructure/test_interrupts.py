"""An interrupt is put off while something is done that should not be half done; a second one is not."""

from __future__ import annotations

import signal

import pytest

from fixer.infrastructure.interrupts import InterruptLater


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_is_noted_and_happens_when_it_is_asked_for(number: signal.Signals) -> None:
    later = InterruptLater()
    with later:
        signal.raise_signal(number)
    with pytest.raises(KeyboardInterrupt):
        later.check()
    later.check()


def test_a_second_ctrl_c_gets_through() -> None:
    with InterruptLater():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_second_hang_up_does_not() -> None:
    later = InterruptLater()
    with later:
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
    with pytest.raises(KeyboardInterrupt):
        later.check()
