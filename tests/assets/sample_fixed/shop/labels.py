"""Short texts for labels and letters."""

import re


def slug(title):
    """The title as it appears in an address: lower case, words joined by hyphens."""
    words = re.findall(r"[a-z0-9]+", title.lower())
    return "-".join(words)


def shorten(text, width):
    """The text, cut to at most `width` characters; a cut is marked with an ellipsis that counts as one of them."""
    if len(text) <= width:
        return text
    return text[: width - 1] + "…"


def display_name(name):
    """A customer's name in title case with single spaces; empty where the name is not known."""
    if name is None:
        return ""
    return " ".join(name.split()).title()


def initials(name):
    """The first letters of a name, in capitals."""
    return "".join(word[0].upper() for word in name.split())
