"""Small broken projects, each with the tests that everybody sees and a check that only the measurement sees."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SmallProject:
    """One module with one fault. `seen` and `hidden` are the bodies of test files."""

    name: str
    source: str
    seen: str
    hidden: str

    @property
    def files(self) -> dict[str, str]:
        """What the project consists of, by path."""
        header = f"from {self.name} import *\n\n\n"
        return {f"{self.name}.py": self.source, f"tests/test_{self.name}.py": header + self.seen, "conftest.py": ""}

    @property
    def hidden_test(self) -> str:
        """The text of the hidden test file."""
        return f"from {self.name} import *\n\n\n{self.hidden}"


SMALL_PROJECTS = (
    SmallProject(
        "slugs",
        "def slug(title):\n    words = title.lower().split(' ')\n    return '-'.join(words)\n",
        "def test_spaces_collapse():\n    assert slug('Hello   World') == 'hello-world'\n",
        "def test_hidden():\n    assert slug('  A  b ') == 'a-b'\n    assert slug('') == ''\n",
    ),
    SmallProject(
        "leap",
        "def is_leap(year):\n    return year % 4 == 0 and year % 100 != 0\n",
        "def test_2000():\n    assert is_leap(2000)\n\n\ndef test_1900():\n    assert not is_leap(1900)\n",
        "def test_hidden():\n"
        "    assert [y for y in (1600, 1700, 2004, 2023, 2400) if is_leap(y)] == [1600, 2004, 2400]\n",
    ),
    SmallProject(
        "basket",
        "def total(items, discount=0):\n    price = sum(item['price'] for item in items)\n"
        "    return price - price * discount\n",
        "def test_quantity():\n    assert total([{'price': 2, 'quantity': 3}]) == 6\n\n\n"
        "def test_one():\n    assert total([{'price': 2}]) == 2\n",
        "def test_hidden():\n    assert total([{'price': 4, 'quantity': 5}, {'price': 1}], 0.5) == 10.5\n",
    ),
    SmallProject(
        "chunks",
        "def chunks(items, size):\n    return [items[at:at + size] for at in range(0, len(items) - size, size)]\n",
        "def test_the_rest_is_kept():\n    assert chunks([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4], [5]]\n",
        "def test_hidden():\n    assert chunks([], 3) == []\n    assert chunks([1], 3) == [[1]]\n"
        "    assert chunks([1, 2], 1) == [[1], [2]]\n",
    ),
    SmallProject(
        "grades",
        "def average(marks):\n    return sum(marks) / len(marks)\n\n\n"
        "def best(students):\n    return max(students, key=lambda name: average(students[name]))\n",
        "def test_no_marks():\n    assert average([]) == 0\n\n\n"
        "def test_best():\n    assert best({'a': [], 'b': [1]}) == 'b'\n",
        "def test_hidden():\n    assert average([1, 2]) == 1.5\n    assert best({'a': [3], 'b': [1, 9]}) == 'b'\n",
    ),
    SmallProject(
        "stack",
        "class Stack:\n    def __init__(self, items=[]):\n        self.items = items\n\n"
        "    def push(self, item):\n        self.items.append(item)\n\n    def pop(self):\n"
        "        return self.items.pop()\n",
        "def test_two_stacks_share_nothing():\n    Stack().push(1)\n    assert Stack().items == []\n",
        "def test_hidden():\n    given = [1]\n    stack = Stack(given)\n    stack.push(2)\n"
        "    assert stack.pop() == 2\n"
        "    assert Stack().items == []\n",
    ),
    SmallProject(
        "clock",
        "def minutes(text):\n    hours, rest = text.split(':')\n    return int(hours) * 60 + int(rest)\n\n\n"
        "def between(start, end):\n    return minutes(end) - minutes(start)\n",
        "def test_over_midnight():\n    assert between('23:30', '00:15') == 45\n",
        "def test_hidden():\n    assert between('01:00', '02:30') == 90\n"
        "    assert between('12:00', '11:59') == 1439\n",
    ),
    SmallProject(
        "words",
        "def count(text):\n    found = {}\n    for word in text.split():\n"
        "        found[word] = found.get(word, 0) + 1\n"
        "    return found\n",
        "def test_case_and_marks():\n    assert count('Yes, yes! No.') == {'yes': 2, 'no': 1}\n",
        "def test_hidden():\n    assert count('A a, b;') == {'a': 2, 'b': 1}\n    assert count('') == {}\n",
    ),
    SmallProject(
        "ranges",
        "def merge(spans):\n    merged = []\n    for start, end in sorted(spans):\n"
        "        if merged and start <= merged[-1][1]:\n            merged[-1] = (merged[-1][0], end)\n"
        "        else:\n            merged.append((start, end))\n    return merged\n",
        "def test_one_inside_another():\n    assert merge([(1, 10), (2, 3)]) == [(1, 10)]\n",
        "def test_hidden():\n    assert merge([(5, 6), (1, 2), (2, 4)]) == [(1, 4), (5, 6)]\n"
        "    assert merge([]) == []\n",
    ),
    SmallProject(
        "roman",
        "VALUES = {'I': 1, 'V': 5, 'X': 10, 'L': 50, 'C': 100, 'D': 500, 'M': 1000}\n\n\n"
        "def number(text):\n    return sum(VALUES[letter] for letter in text)\n",
        "def test_four():\n    assert number('IV') == 4\n\n\ndef test_six():\n    assert number('VI') == 6\n",
        "def test_hidden():\n    assert [number(t) for t in ('XC', 'MCMXCIV', 'XL', 'III')] == [90, 1994, 40, 3]\n",
    ),
    SmallProject(
        "config",
        "def parse(text):\n    found = {}\n    for line in text.splitlines():\n        key, value = line.split('=')\n"
        "        found[key.strip()] = value.strip()\n    return found\n",
        "def test_comments_and_blanks():\n    assert parse('# note\\n\\na = 1\\n') == {'a': '1'}\n\n\n"
        "def test_equals_in_a_value():\n    assert parse('url = x?y=1') == {'url': 'x?y=1'}\n",
        "def test_hidden():\n    assert parse('  # c\\nk=v=w=\\n   \\n') == {'k': 'v=w='}\n",
    ),
    SmallProject(
        "ages",
        "from datetime import date\n\n\ndef age(born, today):\n    return today.year - born.year\n",
        "def test_birthday_to_come():\n    assert age(date(2000, 12, 31), date(2020, 1, 1)) == 19\n",
        "def test_hidden():\n    assert age(date(2000, 5, 5), date(2020, 5, 5)) == 20\n"
        "    assert age(date(2000, 5, 6), date(2020, 5, 5)) == 19\n"
        "    assert age(date(2000, 4, 9), date(2020, 5, 5)) == 20\n",
    ),
)
