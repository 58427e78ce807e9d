"""Files are written whole, and changes carried over exactly, or not at all."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixer.infrastructure.working_file import Conflict, FileState, merge_states, read_state, write_state

BASE = "one\ntwo\nthree\nfour\n"


def merged(current: str, before: str, after: str) -> str:
    state = merge_states(FileState(current.encode()), FileState(before.encode()), FileState(after.encode()))
    assert state is not None
    return state.content.decode()


def test_a_change_is_carried_over_edits_elsewhere() -> None:
    assert merged("zero\n" + BASE, BASE, BASE.replace("four", "FOUR")) == "zero\n" + BASE.replace("four", "FOUR")


@pytest.mark.parametrize(
    ("current", "after", "expected"),
    [
        (BASE + "five\n", BASE.replace("four", "FOUR"), "one\ntwo\nthree\nFOUR\nfive\n"),
        (BASE.replace("three", "THREE"), BASE.replace("four", "FOUR"), "one\ntwo\nTHREE\nFOUR\n"),
        ("one\nthree\nfour\n", "ONE\ntwo\nthree\nfour\n", "ONE\nthree\nfour\n"),
        (BASE.rstrip("\n"), BASE.replace("three", "THREE"), "one\ntwo\nTHREE\nfour"),
    ],
    ids=["appended right behind", "next line", "line below removed", "final newline removed"],
)
def test_changes_that_touch_but_share_no_line_are_both_made(current: str, after: str, expected: str) -> None:
    assert merged(current, BASE, after) == expected


@pytest.mark.parametrize(
    ("current", "after"),
    [
        (BASE.replace("two", "2"), BASE.replace("two", "TWO")),
        (BASE + "five\n", BASE + "FIVE\n"),
        (BASE.replace("two\nthree\n", ""), BASE.replace("three", "THREE")),
    ],
    ids=["same line", "same place", "removed there"],
)
def test_changes_of_the_same_lines_conflict(current: str, after: str) -> None:
    with pytest.raises(Conflict):
        merged(current, BASE, after)


def test_binary_content_is_taken_whole_or_not_at_all() -> None:
    before, after, other = (FileState(content) for content in (b"\0a", b"\0b", b"\0c"))
    assert merge_states(before, before, after) == after
    with pytest.raises(Conflict):
        merge_states(other, before, after)


_TEXTS = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d\n", "e"]), max_size=6).map("".join)


@given(_TEXTS, _TEXTS)
def test_a_change_of_nothing_else_is_itself_and_can_be_taken_back(before: str, after: str) -> None:
    assert merged(before, before, after) == after
    assert merged(after, after, before) == before
    assert merged(after, before, after) == after


@given(_TEXTS, _TEXTS, _TEXTS)
def test_a_carried_change_is_the_same_whichever_side_it_is_carried_from(one: str, base: str, two: str) -> None:
    try:
        carried = merged(one, base, two)
    except Conflict:
        return
    assert merged(two, base, one) == carried


def test_writing_keeps_links_modes_and_leaves_nothing_else(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    target = tmp_path / "tool.py"
    target.write_bytes(b"old")
    target.chmod(0o750)
    (tmp_path / "link.py").symlink_to(target)
    write_state(tmp_path / "link.py", FileState(b"new", executable=True), scratch)
    assert (tmp_path / "link.py").is_symlink()
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o750
    assert list(scratch.iterdir()) == []
    write_state(target, None, scratch)
    assert read_state(target) is None
