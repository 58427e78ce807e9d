from datetime import date

import pytest

from shop.schedule import between, due_date, first_of_next_month, is_open, work_order


@pytest.mark.parametrize(("value", "inside"), [(0, False), (1, True), (4, True), (5, False), (9, False)])
def test_between_leaves_the_end_out(value, inside):
    assert between(value, 1, 5) is inside


def test_opening_hours():
    assert is_open(9)
    assert is_open(12)
    assert is_open(17)
    assert not is_open(18)
    assert not is_open(8)
    assert not is_open(0)


def test_due_dates_avoid_the_weekend():
    assert due_date(date(2024, 5, 6), 4) == date(2024, 5, 10)
    assert due_date(date(2024, 5, 6), 5) == date(2024, 5, 13)
    assert due_date(date(2024, 5, 6), 6) == date(2024, 5, 13)
    assert due_date(date(2024, 5, 6), 14) == date(2024, 5, 20)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2024, 1, 31), date(2024, 2, 1)),
        (date(2024, 11, 30), date(2024, 12, 1)),
        (date(2024, 12, 24), date(2025, 1, 1)),
    ],
)
def test_first_of_next_month(day, expected):
    assert first_of_next_month(day) == expected


def test_independent_tasks_come_by_name():
    assert work_order({}) == []
    assert work_order({"pack": [], "bill": [], "ship": []}) == ["bill", "pack", "ship"]


def test_tasks_wait_for_what_they_need():
    assert work_order({"bill": ["ship"], "pack": [], "ship": ["pack"]}) == ["pack", "ship", "bill"]
    assert work_order({"a": ["d"], "b": [], "c": ["b"], "d": ["c"]}) == ["b", "c", "d", "a"]
    with pytest.raises(ValueError, match="need each other"):
        work_order({"hen": ["egg"], "egg": ["hen"]})
