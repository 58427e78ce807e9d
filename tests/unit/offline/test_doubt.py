"""Which of several passing edits is chosen, how sure that is, and what is said of it; programs really run."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pretended import PretendedChecker

from fixer.domain.models import TestResult, TestRun, Verdict
from fixer.offline.doubt import choose
from fixer.offline.localise import Suspect
from fixer.offline.rank import Candidate, naturalness
from fixer.offline.search import Found
from fixer.offline.source import Edit, Source

HELD = TestRun((TestResult("before", Verdict.PASSED),))
ALONE = TestRun(())
MANY = ([1, 2, 3], *([1, n] for n in range(12)))
PROGRAM = "def last(items):\n    return items[0]\n\n\nclass Box:\n    def size(self, n):\n        return n\n"


class Caller(PretendedChecker):
    """Instead of tests, calls a function of the program on these inputs; every small mistake is noticed, or none is."""

    def __init__(self, *inputs: object) -> None:
        self.inputs = inputs
        self.texts: list[str] = []
        self.notices = True

    def shown(self, text: str, nodeids: Sequence[str], vital: Sequence[str]) -> TestRun:
        if vital:
            return TestRun(() if self.notices else (TestResult("test", Verdict.PASSED),))
        self.texts.append(text)
        names: dict[str, Any] = {"__name__": "program"}
        exec(compile(text, "program.py", "exec", dont_inherit=True), names)
        for given in self.inputs:
            with suppress(Exception):
                names["last"](given)
        return TestRun(())


def found(old: str, new: str, score: float = 0.0, *, complete: bool = True, program: str = PROGRAM) -> Found:
    source = Source(Path("/project/program.py"), program)
    start = program.index(old)
    return Found(Candidate(source, Edit(start, start + len(old), new), "kind", 2, score), 0, complete)


def test_one_edit_that_nothing_speaks_against_is_next_to_certain() -> None:
    choice = choose([found("[0]", "[-1]")], Caller(*MANY), ["test"], HELD)
    assert choice.confidence > 0.9
    assert (choice.reasons, choice.others) == ((), ())


def test_edits_that_give_different_results_make_it_unsure_and_the_input_is_shown() -> None:
    both = [found("[0]", "[-1]", 0.5), found("[0]", "[1]", 0.4)]
    choice = choose(both, Caller(*MANY), ["test"], HELD)
    assert choice.best is both[0]
    assert 0.3 < choice.confidence < 0.8
    assert choice.reasons == ("for ([1, 2, 3]) it gives 3, another edit that passes 2",)


def test_edits_that_do_the_same_do_not_make_it_unsure() -> None:
    both = [found("[0]", "[-1]"), found("items[0]", "items[len(items) - 1]")]
    assert choose(both, Caller(*MANY), ["test"], HELD).confidence > 0.9


def test_edits_that_agree_on_few_inputs_may_still_differ() -> None:
    program = PROGRAM.replace("items[0]", "open(items)")
    both = [found("open(items)", "1", program=program), found("open(items)", "len(items) * 0 + 1", program=program)]
    few = choose(both, Caller("a", "b"), ["test"], HELD)
    many = choose(both, Caller(*"abcdefghijkl"), ["test"], HELD)
    assert few.confidence < 0.85 < 0.9 < many.confidence


def test_edits_of_two_kinds_that_agree_on_what_the_tests_chose_may_still_differ() -> None:
    program = PROGRAM.replace("items[0]", "open(items)")
    one, other = (found("open(items)", new, program=program) for new in ("1", "len(items) * 0 + 1"))
    other = replace(other, candidate=replace(other.candidate, template="other kind"))
    choice = choose([one, other], Caller(*"abcdefghijkl"), ["test"], HELD)
    assert choice.confidence < 0.9
    assert choice.reasons == ("another edit that passes could not be told apart from it",)


def test_an_edit_that_dies_of_other_inputs_loses() -> None:
    program = PROGRAM.replace("items[0]", "sum(items)")
    dying = found("sum(items)", "items[1]", 1.0, program=program)
    sound = found("sum(items)", "len(items)", 0.0, program=program)
    choice = choose([dying, sound], Caller([1, 2], [5, 2]), ["test"], HELD)
    assert choice.best is sound
    assert choice.others == (dying,)


def test_inputs_that_no_test_chose_are_not_given_to_what_may_do_harm() -> None:
    program = "import os\n" + PROGRAM.replace("items[0]", "os.listdir(items)")
    caller = Caller("/nowhere")
    choose([found("os.listdir(items)", "os.remove(items)", program=program)], caller, ["test"], HELD)
    assert all(text.rstrip().endswith("False)") for text in caller.texts)


def test_a_half_fix_and_one_that_nothing_held_are_less_sure() -> None:
    half = choose([found("[0]", "[-1]", complete=False)], Caller(*MANY), ["test"], HELD)
    alone = choose([found("[0]", "[-1]")], Caller(*MANY), ["test"], ALONE)
    assert half.confidence < alone.confidence < choose([found("[0]", "[-1]")], Caller(*MANY), ["test"], HELD).confidence
    assert half.reasons == ("other red tests that run it, or are cases of the same one, stay red",)
    alike = choose([replace(found("[0]", "[-1]", complete=False), misses_alike=True)], Caller(*MANY), ["test"], HELD)
    assert alike.confidence < 0.45 < half.confidence
    assert alike.reasons == ("other red tests that run it and run nothing else stay red",)
    assert alone.reasons[0].startswith(
        "the mistake may be at 1 place as suspicious, it came up as edit 1, its tests miss"
    )
    assert alone.reasons[0].endswith("0 other tests show what it does")


def test_an_edit_that_tests_which_notice_nothing_let_through_late_is_not_sure() -> None:
    caller = Caller(*MANY)
    caller.notices = False
    choice = choose([replace(found("[0]", "[-1]"), tries=600)], caller, ["test"], HELD)
    assert choice.confidence < 0.5
    assert "it came up as edit 600, its tests miss 10 of 10 mistakes" in choice.reasons[0]


def test_what_is_alone_suspicious_needs_less_than_one_of_many_places() -> None:
    edit = found("[0]", "[-1]")
    source = edit.candidate.source
    own, *rest = (Suspect(source, node, 1.0) for node in source.statements if node.lineno in (2, 6, 7))
    alone = choose([edit], Caller(*MANY), ["test"], ALONE, [own]).confidence
    one_of_many = choose([edit], Caller(*MANY), ["test"], ALONE, [own, *rest * 20]).confidence
    named = choose([edit], Caller(*MANY), ["test"], ALONE, [replace(own, suspicion=5.7), *rest * 20]).confidence
    assert one_of_many < 0.3 < named < alone


@pytest.mark.parametrize("text", ["X = 1\nY = X\n", "X = 1\nY = X"])
def test_an_edit_outside_functions_is_not_watched(text: str) -> None:
    caller = Caller()
    assert choose([found("1", "2", program=text)], caller, ["test"], HELD).confidence > 0.6
    assert caller.texts == []


def test_what_the_file_says_elsewhere_is_likelier_meant() -> None:
    program = PROGRAM + "\n\ndef first(items, n):\n    return sorted(items, key=len)[0]\n"
    known = found("items[0]", "sorted(items, key=len)[-1]", program=program)
    unknown = found("items[0]", "sorted(items, key=str)[-1]", program=program)
    assert naturalness(known.candidate) > naturalness(unknown.candidate)
    choice = choose([unknown, known], Caller([1, 2]), ["test"], HELD)
    assert choice.best is known
    short = [found("items[0]", new, program=program) for new in ("len(items)", "max(items)")]
    assert len({naturalness(one.candidate) for one in short}) == 1
