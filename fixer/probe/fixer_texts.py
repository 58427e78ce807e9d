"""Says of a text only where it differs from another, quickly: of large files, of which thousands differ in a line."""


def difference(base: str, text: str) -> "tuple[int, int, str]":
    """From where to where in the base, and what stands in its place."""
    before, behind = same_around(base, text)
    return before, len(base) - behind, text[before : len(text) - behind]


def filled(base: str, start: int, end: int, middle: str) -> str:
    """The text again."""
    return base[:start] + middle + base[end:]


def same_around(one: str, other: str) -> "tuple[int, int]":
    """How many characters two texts share at the beginning, and at the end of what is left."""
    most = min(len(one), len(other))
    before = _same_at_start(one, other, most)
    return before, _same_at_start(one[::-1], other[::-1], most - before)


def _same_at_start(one: str, other: str, most: int) -> int:
    """By halves, for texts are compared much faster than their characters are looked at."""
    same = 0
    while same < most:
        middle = (same + most + 1) // 2
        if one[same:middle] == other[same:middle]:
            same = middle
        else:
            most = middle - 1
    return same
