"""Finds the fixes that a person means by a word, or by none."""

from __future__ import annotations

from collections.abc import Sequence

from fixer.domain.errors import UsageError
from fixer.infrastructure.fix_store import StoredFix


def choose_fixes(fixes: Sequence[StoredFix], name: str, *, whole_run: bool, undone: bool) -> list[StoredFix]:
    """The fixes meant, in the order in which to move them: newest first. `fixes` are newest first.

    Without a name: the newest that is in place (or, with `undone`, that is not). Raises UsageError where there is none.
    """
    fitting = [fix for fix in fixes if (fix.state == "undone") is undone]
    if name:
        named = [fix for fix in fixes if _is_called(fix, name)]
        # A fix that is in the wrong state is refused by whoever moves it, in better words than "not found".
        fitting = [fix for fix in named if fix in fitting] or named
    if not fitting:
        what = f"No fix is called {name!r} here." if name else f"There is nothing to {'redo' if undone else 'undo'}."
        raise UsageError(what, "List what there is with: fixer history")
    if whole_run:
        return [fix for fix in fitting if fix.run_id == fitting[0].run_id]
    return fitting[:1]


def _is_called(fix: StoredFix, name: str) -> bool:
    return (
        fix.id.startswith(name)
        or fix.run_id.startswith(name)
        or fix.nodeid == name
        or bool(fix.commit and fix.commit.startswith(name))
    )
