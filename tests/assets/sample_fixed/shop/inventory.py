"""What is in stock, and where it goes."""


class OutOfStock(Exception):
    """There is less of the item than was asked for."""


class Inventory:
    """The stock of one store."""

    def __init__(self, stock=None):
        self._stock = dict(stock or {})

    def count(self, item):
        """How many of the item are here; none of an item that was never stocked."""
        return self._stock.get(item, 0)

    def add(self, item, quantity):
        """Put a delivery on the shelf."""
        self._stock[item] = self._stock.get(item, 0) + quantity

    def take(self, item, quantity):
        """Take items off the shelf and return how many are left."""
        if self._stock.get(item, 0) < quantity:
            raise OutOfStock(item)
        self._stock[item] -= quantity
        return self._stock[item]

    def move(self, item, quantity, target):
        """Hand items over to another store."""
        self.take(item, quantity)
        target.add(item, quantity)

    def low(self, limit):
        """The items that should be ordered again, by name."""
        return sorted(item for item, quantity in self._stock.items() if quantity <= limit)
