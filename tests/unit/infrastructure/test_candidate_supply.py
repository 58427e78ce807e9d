"""What is dealt out, and dealt out again, by the letters that a batch is answered with."""

from __future__ import annotations

from pathlib import Path

from fixer.application.ports import Overlay
from fixer.infrastructure.candidate_supply import MOST_FURTHER, MOST_SLOW, Supply


def supply(count: int, together: int) -> Supply:
    return Supply(iter(candidates(count)), together)


def candidates(count: int) -> list[Overlay]:
    return [{Path("app.py"): str(number)} for number in range(count)]


def names(overlays: tuple[Overlay, ...]) -> str:
    return " ".join(text for overlay in overlays for text in overlay.values())


def failed(told: list[tuple[Overlay, str]]) -> str:
    return " ".join(text + letter for overlay, letter in told for text in overlay.values())


def test_so_many_are_dealt_together() -> None:
    dealer = supply(5, 3)
    assert [names(dealer.deal()) for _ in range(3)] == ["0 1 2", "3 4", ""]


def test_what_failed_is_told_and_what_may_pass_is_next_on_its_own() -> None:
    dealer = supply(5, 3)
    assert failed(dealer.take_back(dealer.deal(), "fflnf", early=False)) == "0f 2n"
    assert [names(dealer.deal()) for _ in range(3)] == ["1", "3 4", ""]


def test_what_gets_further_is_looked_at_alone_and_not_without_bounds() -> None:
    many = supply(MOST_FURTHER + 1, MOST_FURTHER + 1)
    told = many.take_back(many.deal(), "f" + "g" * (MOST_FURTHER + 1) + "f", early=False)
    assert failed(told) == f"{MOST_FURTHER}g"
    assert [names(many.deal()) for _ in range(MOST_FURTHER + 1)] == [*map(str, range(MOST_FURTHER)), ""]


def test_what_was_not_tried_is_dealt_again_first() -> None:
    dealer = supply(8, 6)
    assert failed(dealer.take_back(dealer.deal(), "fff", early=False)) == "0f 1f"
    assert names(dealer.deal()) == "2 3 4 5 6 7"


def test_what_ended_the_process_before_it_was_answered_is_tried_alone() -> None:
    dealer = supply(4, 3)
    assert dealer.take_back(dealer.deal(), "f", early=False) == []
    assert [names(dealer.deal()) for _ in range(3)] == ["0", "1 2 3", ""]


def test_what_took_too_long_gets_more_time_in_the_end_and_not_without_bounds() -> None:
    dealer = supply(3, 3)
    dealer.take_back(dealer.deal(), "fft", early=False)
    assert [names(dealer.deal()) for _ in range(3)] == ["2", "1", ""]
    many = supply(MOST_SLOW + 2, MOST_SLOW + 2)
    slow = many.take_back(many.deal(), "f" + "t" * (MOST_SLOW + 2) + "f", early=False)
    assert failed(slow) == f"{MOST_SLOW}t {MOST_SLOW + 1}t"


def test_where_the_unchanged_sources_do_not_fail_nothing_that_is_said_counts() -> None:
    for letters in ("", "l", "t", "lfff", "ffffl"):
        dealer = supply(4, 3)
        assert dealer.take_back(dealer.deal(), letters, early=False) == []
        assert [names(dealer.deal()) for _ in range(5)] == ["0", "1", "2", "3", ""]


def test_where_no_process_lasts_for_more_than_one_there_are_no_more_batches() -> None:
    dealer = supply(100, 10)
    answered = 0
    while len(dealt := dealer.deal()) > 1:
        answered += len(dealer.take_back(dealt, "ff", early=False))
    assert answered < 10


def test_changes_that_hang_are_tried_together_all_the_same() -> None:
    dealer = supply(40, 10)
    told = []
    while len(dealt := dealer.deal()) > 1:
        told += dealer.take_back(dealt, "fft", early=False)
    assert failed(told).count("f") == 20
    assert failed(told).count("t") == 20 - MOST_SLOW


def test_what_has_to_be_tried_alone_waits_while_it_has_had_its_part_of_the_time() -> None:
    dealer = supply(6, 2)
    dealer.take_back(dealer.deal(), "fuuf", early=False)
    dealer.spent(1.0, 2)
    assert names(dealer.deal()) == "0"
    dealer.spent(10.0, 1)
    assert [names(dealer.deal()) for _ in range(4)] == ["2 3", "4 5", "1", ""]


def test_what_may_pass_does_not_wait() -> None:
    dealer = supply(6, 2)
    dealer.take_back(dealer.deal(), "fulf", early=False)
    dealer.spent(1.0, 2)
    dealer.spent(10.0, 1)
    assert [names(dealer.deal()) for _ in range(2)] == ["1", "2 3"]


def test_where_changes_of_what_ran_early_are_in_the_way_they_are_given_up_first() -> None:
    dealer = supply(6, 3)
    one, other = dealer.deal(), dealer.deal()
    told = [(dealer.take_back(dealt, "ffffl", early=True), dealer.early) for dealt in (one, other)]
    assert told == [([], False), ([], False)]  # the other was on its way already
    again = dealer.deal()
    assert names(again) == "3 4 5"
    dealer.take_back(again, "ffffl", early=False)
    assert names(dealer.deal()) == "3"
