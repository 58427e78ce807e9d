"""What can go wrong in ways that a person can cure; each says what happened, why, and the cure."""

from __future__ import annotations

from typing import ClassVar


class FixerError(Exception):
    """An expected failure: one message for a person, an exit code for a script, no traceback."""

    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure


class UsageError(FixerError):
    """The command line, the configuration or the place it was called from is wrong."""

    exit_code = 2


class TestsCannotRun(FixerError):
    """pytest could not be started, or broke before it could report a test."""

    __test__: ClassVar[bool] = False
    exit_code = 3


class CapReached(FixerError):
    """A limit on money, tokens, time or attempts was hit."""

    exit_code = 4


class TestCapReached(CapReached):
    """A limit on what one test may cost was hit; others may still be worked on."""

    __test__: ClassVar[bool] = False


class ProviderFailed(FixerError):
    """The model's provider refused or could not be reached; trying again now is pointless."""

    exit_code = 5


class TreeNeedsPerson(FixerError):
    """The working tree is in a state that only its owner can decide about. Nothing was touched."""

    exit_code = 6


class DiskRefuses(FixerError):
    """The disk is full, or may not be written to, and something was left half done; the next command puts it right."""

    exit_code = 6


class EditFailed(FixerError):
    """No editor could be opened, or it failed; the fix is as it was."""

    exit_code = 2


class LedgerUnusable(FixerError):
    """The ledger cannot be read or written, or was written by a newer fixer."""

    exit_code = 6
