"""Which functions may be called on made-up inputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixer.offline.purity import only_computes
from fixer.offline.source import Function, Source


def verdict(text: str) -> bool:
    source = Source(Path("/project/module.py"), text)
    function = [node for node in source.tree.body if isinstance(node, Function)][-1]
    return only_computes(source, function)


@pytest.mark.parametrize(
    "text",
    [
        "def f(a):\n    return sorted(a)[0] + len(a)",
        "import math\ndef f(a):\n    return math.sqrt(a)",
        "from collections import Counter\ndef f(a):\n    c = Counter(a)\n    return c.most_common(1)",
        "def g(a):\n    return a.strip()\ndef f(a):\n    return g(a).lower()",
        "def f(n):\n    return n * f(n - 1) if n else 1",
        "def f(a):\n    def inner(x):\n        return x + 1\n    return [inner(x) for x in a]",
        "def f(a):\n    return ','.join(a)",
    ],
)
def test_arithmetic_on_arguments_is_harmless(text: str) -> None:
    assert verdict(text)


@pytest.mark.parametrize(
    "text",
    [
        "import shutil\ndef f(a):\n    shutil.rmtree(a)",
        "from os import remove\ndef f(a):\n    remove(a)",
        "def f(a):\n    open(a, 'w').write('')",
        "def f(a):\n    import os\n    os.remove(a)",
        "from .store import delete\ndef f(a):\n    delete(a)",
        "import os\ndef g(a):\n    os.remove(a)\ndef f(a):\n    g(a)",
        "STATE = []\ndef f(a):\n    STATE.append(a)",
        "N = 0\ndef f(a):\n    global N\n    N = a",
        "def f(a):\n    return a.__class__.__subclasses__()",
        "def f(a):\n    eval(a)",
        "def f(a):\n    a.path = 1",
        "import functools\n@functools.lru_cache\ndef f(a):\n    return a",
        "async def f(a):\n    return a",
        "from subprocess import run as sorted\ndef f(a):\n    return sorted(a)",
        "import os as math\ndef f(a):\n    math.remove(a)",
        "def f(a):\n    with a:\n        pass",
    ],
)
def test_what_might_touch_anything_else_is_not(text: str) -> None:
    assert not verdict(text)
