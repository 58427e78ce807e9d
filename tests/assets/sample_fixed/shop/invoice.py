"""What a customer has to pay. All amounts are in cents."""

DISCOUNTS = [(100_000, 10), (50_000, 5), (10_000, 2)]


def subtotal(lines):
    """The sum of (unit price, quantity) pairs."""
    return sum(price * quantity for price, quantity in lines)


def discount_percent(amount):
    """The percentage taken off an order: an amount that reaches a step earns it."""
    for step, percent in DISCOUNTS:
        if amount >= step:
            return percent
    return 0


def with_tax(amount, percent):
    """The amount with tax added, rounded to the nearest cent."""
    return amount + (amount * percent + 50) // 100


def amount_due(total, paid, credit=0):
    """What is left to pay after payments and credit notes; never below zero."""
    return max(0, total - paid - credit)
