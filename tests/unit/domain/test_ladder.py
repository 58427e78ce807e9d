"""The ladder: what its rungs differ in, and when climbing on would tell a model nothing new."""

from __future__ import annotations

import pytest

from fixer.domain.ladder import (
    Rung,
    Tried,
    already_climbed,
    build_ladder,
    models_of,
    next_rung,
    normalised,
    read_ladder,
)

DIFF = "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a = 1\n+a = 2\n"


def test_three_attempts_rise_in_temperature_and_context() -> None:
    ladder = build_ladder(["m"], 3, 0.4, 0.1)
    assert [rung.temperature for rung in ladder] == [0.4, 0.5, 0.6]
    assert [rung.context for rung in ladder] == [1, 2, 3]
    assert [rung.conversation for rung in ladder] == ["fresh", "continued", "fresh"]
    assert [rung.effort for rung in ladder] == ["", "", "high"]


def test_no_two_rungs_of_the_default_ladder_are_alike_where_temperature_is_ignored() -> None:
    ladder = build_ladder(["m"], 4, 0.4, 0.0)
    assert len(set(ladder)) == 4


def test_the_next_model_comes_after_the_last_rung_of_the_one_before_and_begins_wider() -> None:
    ladder = build_ladder(["cheap", "strong"], 2, 0.4, 0.1)
    assert [(rung.model, rung.context) for rung in ladder] == [("cheap", 1), ("cheap", 2), ("strong", 2), ("strong", 3)]
    assert models_of(ladder) == ("cheap", "strong")


def test_the_context_ends_at_whole_files() -> None:
    assert [rung.context for rung in build_ladder(["m"], 6, 0, 0)] == [1, 2, 3, 4, 4, 4]


def test_it_is_climbed_rung_by_rung_to_the_top() -> None:
    ladder = build_ladder(["m"], 3, 0.4, 0.1)
    tried: list[Tried] = []
    while rung := next_rung(ladder, tried):
        tried.append(Tried(rung, f"+{len(tried)}", f"failure {len(tried)}"))
    assert [one.rung for one in tried] == list(ladder)


@pytest.mark.parametrize(
    ("diffs", "reasons"),
    [((DIFF, DIFF.replace("@@ -1", "@@ -7")), ("one", "other")), (("-a\n+b", "-a\n+c"), ("same", "same"))],
    ids=["identical patch", "identical failure"],
)
def test_the_same_twice_ends_it_where_no_wider_context_is_left(
    diffs: tuple[str, str], reasons: tuple[str, str]
) -> None:
    ladder = [Rung("m", temperature, 4) for temperature in (0.1, 0.2, 0.3)]
    tried = [Tried(rung, diff, reason) for rung, diff, reason in zip(ladder, diffs, reasons, strict=False)]
    assert next_rung(ladder, tried[:1]) == ladder[1]
    assert next_rung(ladder, tried) is None


def test_the_same_twice_goes_on_where_a_wider_context_or_another_model_is_left() -> None:
    wider = [Rung("m", 0.1, 1), Rung("m", 0.2, 1), Rung("m", 0.3, 2)]
    other = [Rung("m", 0.1, 1), Rung("m", 0.2, 1), Rung("n", 0.3, 1)]
    for ladder in (wider, other):
        assert next_rung(ladder, [Tried(rung, DIFF, "same") for rung in ladder[:2]]) == ladder[2]


def test_what_only_an_address_or_a_duration_tells_apart_is_the_same_failure() -> None:
    ladder = [Rung("m", 0.1, 4), Rung("m", 0.1, 4), Rung("m", 0.1, 4)]
    tried = [Tried(ladder[0], "", "<A at 0x7f01> in 1.2 s"), Tried(ladder[1], "", "<A at 0x7f99> in 3 s")]
    assert next_rung(ladder, tried) is None


def test_a_patch_is_the_same_whatever_its_spacing_and_place() -> None:
    assert normalised(DIFF) == normalised("@@ -9,3 +9,3 @@\n x\n-a=1\n+a =  2\n+\n")
    assert normalised(DIFF) != normalised(DIFF.replace("+a = 2", "+a = 3"))


def test_a_ladder_may_be_written_down() -> None:
    (rung,) = read_ladder([{"model": "m", "temperature": 0, "context": 2, "conversation": "fresh", "effort": "low"}])
    assert rung == Rung("m", 0, 2, "fresh", "low")


@pytest.mark.parametrize(
    "table",
    [
        {"model": ""},
        {"model": 3},
        {"context": 5},
        {"context": True},
        {"temperature": 3},
        {"temperature": "x"},
        {"effort": "huge"},
        {"conversation": "old"},
        {"api_base": "http://evil"},
    ],
    ids=str,
)
def test_a_rung_that_is_none_is_refused(table: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="tables such as"):
        read_ladder([{"model": "m", **table}])


def test_rungs_that_were_tried_before_are_not_climbed_again() -> None:
    ladder = build_ladder(["cheap", "strong"], 2, 0.4, 0.1)
    before = [Tried(rung, DIFF, str(number)) for number, rung in enumerate(ladder[:3])]
    assert already_climbed(ladder, before) == before
    assert next_rung(ladder, before) == ladder[3]


def test_what_was_tried_on_another_ladder_is_no_rung_of_this_one() -> None:
    before = [Tried(rung, DIFF, "no") for rung in build_ladder(["cheap"], 3, 0.4, 0.1)]
    assert already_climbed(build_ladder(["strong"], 3, 0.4, 0.1), before) == []
    assert already_climbed(build_ladder(["cheap"], 1, 0.4, 0.1), before) == before[:1]
