import pytest

from shop.invoice import amount_due, discount_percent, subtotal, with_tax


@pytest.mark.parametrize(
    ("lines", "expected"),
    [([], 0), ([(250, 2)], 500), ([(250, 2), (99, 3), (1, 1)], 798)],
)
def test_subtotal_adds_up_all_lines(lines, expected):
    assert subtotal(lines) == expected


@pytest.mark.parametrize(
    ("amount", "percent"),
    [(0, 0), (9_999, 0), (10_001, 2), (49_999, 2), (75_000, 5), (99_999, 5), (250_000, 10)],
)
def test_discount_between_the_steps(amount, percent):
    assert discount_percent(amount) == percent


def test_discount_on_the_steps():
    assert discount_percent(10_000) == 2
    assert discount_percent(50_000) == 5
    assert discount_percent(100_000) == 10


@pytest.mark.parametrize(("amount", "percent", "expected"), [(1000, 20, 1200), (999, 7, 1069), (0, 20, 0), (50, 0, 50)])
def test_tax_is_rounded_to_the_cent(amount, percent, expected):
    assert with_tax(amount, percent) == expected


def test_payments_reduce_what_is_due():
    assert amount_due(1000, 0) == 1000
    assert amount_due(1000, 400) == 600
    assert amount_due(1000, 1200) == 0


def test_credit_reduces_what_is_due():
    assert amount_due(1000, 400, 100) == 500
    assert amount_due(1000, 0, 250) == 750
    assert amount_due(1000, 900, 300) == 0
