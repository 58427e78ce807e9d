"""When things happen: opening hours, due dates, and the order of work."""

from datetime import date, timedelta
from graphlib import CycleError, TopologicalSorter

OPENS, CLOSES = 9, 18
SATURDAY = 5


def between(value, low, high):
    """Whether the value lies from `low` up to, but not including, `high`."""
    return low <= value < high


def is_open(hour):
    """Whether the shop is open in that hour of the day."""
    return between(hour, OPENS, CLOSES)


def due_date(ordered, days):
    """The day by which an order must be paid; a due date at a weekend moves to Monday."""
    due = ordered + timedelta(days=days)
    while due.weekday() >= SATURDAY:
        due += timedelta(days=1)
    return due


def first_of_next_month(day):
    """The first day of the month after this day's."""
    if day.month == 12:
        return date(day.year + 1, 1, 1)
    return date(day.year, day.month + 1, 1)


def work_order(needs):
    """The tasks in an order in which each comes after those that it needs, by name where that leaves a choice.

    `needs` maps each task to the tasks that must be done before it. Raises ValueError where they need each other.
    """
    sorter = TopologicalSorter(needs)
    try:
        sorter.prepare()
    except CycleError as cycle:
        raise ValueError("the tasks need each other") from cycle
    order = []
    ready = list(sorter.get_ready())
    while ready:
        task = min(ready)
        ready.remove(task)
        order.append(task)
        sorter.done(task)
        ready.extend(sorter.get_ready())
    return order
