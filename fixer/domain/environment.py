"""Which failures say that the machine lacks something, or the test asks for what is not there: no model can help."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from fixer.domain.models import Diagnosis, ErrorDetails


@dataclass(frozen=True)
class Surroundings:
    """What is known of the project and of the Python that runs its tests."""

    install: str = "python -m pip install"
    """The command that installs something for that Python, without its name."""
    version: tuple[int, ...] = sys.version_info[:3]
    requires_python: str = ""
    """What the project demands, as in `>=3.10,<4`."""
    own_modules: frozenset[str] = frozenset()
    """Top-level names that the project itself could be imported by."""
    declared: frozenset[str] = frozenset()
    """Distributions that the project says it needs, in lower case and with hyphens."""
    read_source: Callable[[str], str] = lambda path: ""
    """The text of a source file; empty where it cannot be read."""


def environment_fault(details: ErrorDetails, around: Surroundings) -> Diagnosis | None:
    """What is missing outside of the product code, with its cure; None where the code may well be at fault."""
    found = (look(details, around) for look in _LOOKS)
    return next((diagnosis for diagnosis in found if diagnosis), None)


def meets(version: tuple[int, ...], demand: str) -> bool:
    """Whether a Python's version satisfies what `requires-python` says; parts that are not understood are met."""
    return all(_meets_part(version, *part) for part in _DEMAND.findall(demand))


def _environment(message: str, cure: str) -> Diagnosis:
    return Diagnosis("environment", message, cure)


def _wrong_python(details: ErrorDetails, around: Surroundings) -> Diagnosis | None:
    """A project that demands another Python fails on this one in ways that are nobody's bug."""
    if details.error_type not in _SAYS_WRONG_PYTHON or meets(around.version, around.requires_python):
        return None
    return _environment(
        f"the project needs Python {around.requires_python}, its tests run with {_dotted(around.version)}",
        "fixer run --python PATH_TO_SUCH_A_PYTHON",
    )


def _newer_syntax(details: ErrorDetails, around: Surroundings) -> Diagnosis | None:
    """Source that this interpreter can read, and the project's older one cannot."""
    files = re.findall(r'File "([^"\n]+)", line \d+', details.stack_trace)
    if details.error_type != "SyntaxError" or not files or around.version[:2] >= sys.version_info[:2]:
        return None
    if not _is_readable_here(around.read_source(files[-1])):
        return None
    return _environment(
        f"{files[-1]} is written for a Python newer than {_dotted(around.version)}",
        "fixer run --python PATH_TO_A_NEWER_PYTHON",
    )


def _missing_module(details: ErrorDetails, around: Surroundings) -> Diagnosis | None:
    if details.error_type not in ("ModuleNotFoundError", "ImportError"):
        return None
    named = re.search(r"No module named '?([\w.]+)|Missing optional dependency '([\w.-]+)'", details.message)
    if named is None:
        return None
    module = (named[1] or named[2]).partition(".")[0]
    if module in _CAME_WITH and around.version < _CAME_WITH[module]:
        return _environment(
            f"the module {module} came with Python {_dotted(_CAME_WITH[module])}, the tests run with "
            f"{_dotted(around.version)}",
            "fixer run --python PATH_TO_A_NEWER_PYTHON",
        )
    distribution = _DISTRIBUTIONS.get(module, module)
    declared = distribution.lower().replace("_", "-") in around.declared
    if not declared and (_is_ours(module, around) or not (named[2] or _is_imported(module, details.stack_trace))):
        return None
    where = "which the project declares" if declared else "which the project declares nowhere: check the name"
    return _environment(
        f"the module {module} is not installed ({distribution}, {where})",
        f"{around.install} {distribution}",
    )


def _is_ours(module: str, around: Surroundings) -> bool:
    """A module of the project, or a slip in the name of one, or of one of Python's own: a bug like any other."""
    if module in around.own_modules or module in sys.stdlib_module_names:
        return True
    if module in _DISTRIBUTIONS:
        return False
    # To tell people to install a misspelt name would be worse than to ask a model in vain.
    names = [*around.own_modules, *sys.stdlib_module_names, *_DISTRIBUTIONS, *around.declared]
    has_turned_letters = any(sorted(name) == sorted(module) for name in names)
    return has_turned_letters or bool(get_close_matches(module, names, n=1, cutoff=0.8))


def _is_imported(module: str, trace: str) -> bool:
    """Whether an import statement asks for it, rather than a name that the code has put together."""
    return re.search(rf"^[>\s]*(?:from|import)\s[^#\n]*\b{re.escape(module)}\b", trace, re.MULTILINE) is not None


def _missing_fixture(details: ErrorDetails, around: Surroundings) -> Diagnosis | None:
    missing = re.search(r"fixture '([^']+)' not found", details.stack_trace)
    if details.error_type != "FixtureLookupError" or missing is None:
        return None
    name = missing[1]
    listed = re.search(r"available fixtures: (.*)", details.stack_trace)
    near = get_close_matches(name, re.split(r",\s*", listed[1]) if listed else [], n=1, cutoff=0.75)
    plugin = _FIXTURES.get(name)
    if plugin and not near:
        return _environment(
            f"the fixture {name} is not there; it most likely comes from {plugin}",
            f"{around.install} {plugin}",
        )
    hint = f"; did it mean {near[0]}?" if near else ""
    return Diagnosis(
        "test at fault", f"the test asks for a fixture {name} that nothing defines{hint}", "Edit the test."
    )


def _missing_async_plugin(details: ErrorDetails, around: Surroundings) -> Diagnosis | None:
    if "async def functions are not natively supported" not in details.message:
        return None
    plugin = next((name for name in _ASYNC_PLUGINS if name in around.declared), _ASYNC_PLUGINS[0])
    return _environment("the test is an async function, and no plugin is there to run it", f"{around.install} {plugin}")


def _missing_executable(details: ErrorDetails, around: Surroundings) -> Diagnosis | None:
    del around
    named = re.search(r"No such file or directory: '([\w.+-]+)'", details.message)
    if details.error_type != "FileNotFoundError" or named is None:
        return None
    # A file that is opened by a bare name is missing in the same words.
    if not re.search(r"\b(subprocess|_execute_child|os\.exec|posix_spawn|asyncio)\b", details.stack_trace):
        return None
    return _environment(
        f"the program {named[1]} is not on PATH", f"Install {named[1]}, then see: command -v {named[1]}"
    )


def _unreachable(details: ErrorDetails, around: Surroundings) -> Diagnosis | None:
    del around
    if not _SPEAKS_TO_SERVERS.search(details.error_type):
        return None
    kind = next((kind for pattern, kind in _UNREACHABLE if pattern.search(details.message)), "")
    if not kind:
        return None
    place = _ADDRESS.search(details.message)
    server = next((part for part in place.groups() if part), "") if place else ""
    return _environment(
        f"{kind}{f' ({server})' if server else ''}", "Start the server, or check the network; then run again."
    )


def _forbidden(details: ErrorDetails, around: Surroundings) -> Diagnosis | None:
    del around
    named = re.search(r"(?:Permission denied|Operation not permitted): '([^']+)'", details.message)
    if details.error_type != "PermissionError" or named is None or not _OF_THE_SYSTEM.match(named[1]):
        return None
    return _environment(f"this account may not use {named[1]}", f"See who may: ls -ld {named[1]}")


_LOOKS: tuple[Callable[[ErrorDetails, Surroundings], Diagnosis | None], ...] = (
    _wrong_python,
    _newer_syntax,
    _missing_module,
    _missing_fixture,
    _missing_async_plugin,
    _missing_executable,
    _unreachable,
    _forbidden,
)
_SAYS_WRONG_PYTHON = frozenset({"SyntaxError", "ImportError", "ModuleNotFoundError", "AttributeError", "TypeError"})
_DEMAND = re.compile(r"(>=|<=|==|!=|~=|<|>)\s*(\d+(?:\.\d+)*)")
_CAME_WITH = {"zoneinfo": (3, 9), "graphlib": (3, 9), "tomllib": (3, 11)}
_ASYNC_PLUGINS = ("pytest-asyncio", "anyio", "pytest-trio", "pytest-twisted", "pytest-tornasync")
_SPEAKS_TO_SERVERS = re.compile(
    r"Connect|URLError|gaierror|OperationalError|MaxRetryError|ServerSelection|^OSError$|Timeout"
)
_UNREACHABLE = (
    (
        re.compile(r"Connection ?refused|Errno (?:111|61)\]|Connect call failed", re.IGNORECASE),
        "a server refused the connection",
    ),
    (
        re.compile(
            r"Name or service not known|[Nn]ame resolution|nodename nor servname|getaddrinfo failed|"
            r"Name does not resolve|No address associated",
        ),
        "a server's name could not be resolved",
    ),
    (re.compile(r"Network is unreachable|No route to host"), "the network cannot be reached"),
)
_ADDRESS = re.compile(
    r"host='?([\w.-]+'?, port=\d+)|server (?:on|at) \"([^\"]+)\"|\('([\d.:a-f]+', \d+)|([\w.-]+:\d{2,5})\b"
)
_OF_THE_SYSTEM = re.compile(
    r"/(?:etc|usr|var/(?!tmp|folders)|root|proc|sys|dev|run|opt|s?bin|lib\w*|boot|srv|Library|System)(?:/|$)|/$"
)
# The name that is imported, where the name to install is another, or so near to a module of Python's own that it would
# be taken for a slip.
_DISTRIBUTIONS = {
    **{
        name: name
        for name in ("attrs", "httpx", "orjson", "tomli", "ujson", "simplejson", "regex", "pytz", "toml", "json5")
    },
    "Crypto": "pycryptodome",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyOpenSSL",
    "PIL": "Pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "fitz": "PyMuPDF",
    "git": "GitPython",
    "jose": "python-jose",
    "jwt": "PyJWT",
    "ldap": "python-ldap",
    "magic": "python-magic",
    "multipart": "python-multipart",
    "pkg_resources": "setuptools",
    "psycopg2": "psycopg2-binary",
    "rest_framework": "djangorestframework",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "slugify": "python-slugify",
    "usb": "pyusb",
    "win32api": "pywin32",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
}
_FIXTURES = {
    fixture: plugin
    for plugin, fixtures in {
        "pytest-mock": "mocker class_mocker module_mocker package_mocker session_mocker",
        "pytest-asyncio": "event_loop event_loop_policy unused_tcp_port unused_udp_port",
        "pytest-django": "db transactional_db django_db_setup django_db_blocker django_user_model admin_client "
        "admin_user rf settings live_server django_assert_num_queries mailoutbox",
        "pytest-flask": "client_class accept_json",
        "pytest-httpx": "httpx_mock",
        "respx": "respx_mock respx_router",
        "requests-mock": "requests_mock",
        "pytest-benchmark": "benchmark benchmark_weave",
        "pytest-freezer": "freezer",
        "time-machine": "time_machine",
        "pytest-cov": "cov no_cover",
        "pytest-subtests": "subtests",
        "pytest-aiohttp": "aiohttp_client aiohttp_server aiohttp_raw_server",
        "pytest-httpserver": "httpserver httpserver_listen_address",
        "pytest-datadir": "datadir shared_datadir lazy_datadir",
        "pytest-regressions": "data_regression file_regression num_regression dataframe_regression image_regression",
        "syrupy": "snapshot",
        "faker": "faker",
        "pytest-socket": "socket_disabled socket_enabled",
        "pytest-postgresql": "postgresql postgresql_proc",
        "pytest-redis": "redisdb redis_proc",
        "pytest-playwright": "page browser context playwright new_context",
        "pytest-selenium": "selenium",
        "pytest-qt": "qtbot qapp",
        "pytest-console-scripts": "script_runner",
        "pytest-xdist": "worker_id testrun_uid",
        "pyfakefs": "fs fs_class fs_module fs_session",
        "pytest-celery": "celery_app celery_worker celery_session_app",
        "pytest-recording": "vcr block_network",
    }.items()
    for fixture in fixtures.split()
}


def _meets_part(version: tuple[int, ...], operator: str, number: str) -> bool:
    wanted = tuple(int(part) for part in number.split("."))
    have = version[: len(wanted)]  # so that 3.11.4 is no newer than 3.11
    return {
        ">=": have >= wanted,
        "<=": have <= wanted,
        "<": have < wanted,
        ">": have > wanted,
        "==": have == wanted,
        "!=": have != wanted,
        "~=": have >= wanted and have[:-1] == wanted[:-1],
    }[operator]


def _is_readable_here(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    return bool(source)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version[:2]))
