import pytest

from shop.inventory import Inventory, OutOfStock


@pytest.fixture
def store():
    return Inventory({"tea": 10, "cups": 3})


def test_count_of_what_is_stocked(store):
    assert store.count("tea") == 10
    assert store.count("cups") == 3


def test_count_of_what_was_never_stocked(store):
    assert store.count("coffee") == 0
    assert Inventory().count("tea") == 0
    assert store.count("tea") == 10


def test_deliveries_add_up(store):
    store.add("tea", 5)
    store.add("honey", 2)
    store.add("honey", 4)
    assert store.count("tea") == 15
    assert store.count("honey") == 6


def test_taking_makes_less(store):
    store.take("tea", 4)
    store.take("cups", 3)
    assert store.count("tea") == 6
    assert store.count("cups") == 0


def test_taking_tells_what_is_left(store):
    assert store.take("tea", 4) == 6
    assert store.take("tea", 1) == 5
    assert store.take("cups", 3) == 0


@pytest.mark.parametrize(("item", "quantity"), [("tea", 11), ("cups", 4), ("coffee", 1)])
def test_nobody_takes_more_than_there_is(store, item, quantity):
    with pytest.raises(OutOfStock):
        store.take(item, quantity)


def test_moved_items_arrive(store):
    branch = Inventory({"tea": 1})
    store.move("tea", 4, branch)
    assert branch.count("tea") == 5
    assert store.count("tea") == 6


def test_nothing_is_moved_that_is_not_there(store):
    branch = Inventory({"cups": 1})
    with pytest.raises(OutOfStock):
        store.move("cups", 4, branch)
    assert branch.count("cups") == 1
    assert store.count("cups") == 3


def test_low_stock_is_listed_by_name(store):
    store.add("apples", 3)
    assert store.low(3) == ["apples", "cups"]
    assert store.low(2) == []
    assert store.low(10) == ["apples", "cups", "tea"]
