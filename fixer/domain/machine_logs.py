"""Reads failing tests out of what machines write of a pytest run: JUnit XML, and pytest-reportlog's JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

from fixer.domain.models import ErrorDetails, TestError
from fixer.domain.text_report import UNKNOWN_TYPE

IsFile = Callable[[str], bool]


def is_junit(text: str) -> bool:
    """Whether the text is JUnit XML."""
    start = text.lstrip("\ufeff \t\r\n")[:2000]
    return start.startswith("<") and "<testsuite" in start


def is_reportlog(text: str) -> bool:
    """Whether the text is of pytest-reportlog."""
    return '"$report_type"' in text.lstrip("\ufeff \t\r\n").partition("\n")[0]


def read_junit(text: str, is_file: IsFile) -> list[TestError]:
    """The failing tests of JUnit XML. It names modules with dots: `is_file` says which paths there are here.

    A text that is cut off tells of what stands before the cut. Entities are not resolved: no log needs any.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return []
    found: list[TestError] = []
    with suppress(Xml.ParseError):  # raised behind all that stands before the cut
        data = BytesIO(text.lstrip("\ufeff \t\r\n").encode("utf-8", "replace"))
        for _, element in Xml.iterparse(data):  # noqa: S314  # what makes XML dangerous was refused above
            if element.tag == "testcase":
                found += _of_case(element, is_file)
    return _once(found)


def read_reportlog(text: str) -> list[TestError]:
    """The failing tests of pytest-reportlog; a last line that is cut off is left out."""
    return _once(error for line in text.splitlines() if (error := _of_report(line)))


def _of_case(case: Xml.Element, is_file: IsFile) -> list[TestError]:
    wrong = next((child for child in case if child.tag in ("failure", "error")), None)
    nodeid = _nodeid(case, is_file) if wrong is not None else ""
    if wrong is None or not nodeid:
        return []
    trace = wrong.text or ""
    message = wrong.get("message") or ""
    if wrong.tag == "error":  # what its message names is the phase
        message = _last_raised(trace) or message
    captured = "\n".join(child.text or "" for child in case if child.tag in ("system-out", "system-err")).strip()
    kind, _, rest = message.partition(": ")
    named = kind.isidentifier() and kind[:1].isupper()
    error_type = kind if named else (wrong.get("type") or _guessed_type(message))
    return [_error(nodeid, ErrorDetails(error_type.rpartition(".")[2], rest if named else message, trace, captured))]


def _guessed_type(message: str) -> str:
    return "AssertionError" if message.startswith("assert ") else UNKNOWN_TYPE


def _nodeid(case: Xml.Element, is_file: IsFile) -> str:
    name, file = case.get("name") or "", (case.get("file") or "").replace("\\", "/")
    parts = (case.get("classname") or "").split(".")
    if (case.get("classname") or "").endswith(".py"):  # fixer's own JUnit, among others
        return _joined(case.get("classname") or "", [], name)
    if parts == [""]:  # a file that could not be collected is a case without a class
        parts, name = name.split("."), ""
    if file:
        module = file.removesuffix(".py").split("/")
        classes = parts[len(module) :] if parts[: len(module)] == module else []
        return _joined(file, classes, name)
    for length in range(len(parts), 0, -1):
        path = "/".join(parts[:length]) + ".py"
        if is_file(path):
            return _joined(path, parts[length:], name)
    modules = [part for part in parts if not part[:1].isupper()]
    return _joined("/".join(modules) + ".py", parts[len(modules) :], name) if modules else ""


def _joined(file: str, classes: list[str], name: str) -> str:
    return "::".join([file, *classes, *([name] if name else [])])


def _of_report(line: str) -> TestError | None:
    try:
        report = json.loads(line)
    except ValueError:
        return None
    if not isinstance(report, dict) or report.get("outcome") != "failed" or not report.get("nodeid"):
        return None
    sections = report.get("sections") or []
    captured = "\n".join(str(section[1]) for section in sections if isinstance(section, list) and len(section) == 2)
    message, trace = _told(report.get("longrepr"))
    kind, _, rest = message.partition(": ")
    named = kind.isidentifier() and kind[:1].isupper()
    details = ErrorDetails(kind if named else _guessed_type(message), rest if named else message, trace, captured)
    return _error(str(report["nodeid"]), details)


def _told(longrepr: Any) -> tuple[str, str]:
    """The message and the traceback of a report; of a collection error there is a text alone."""
    if isinstance(longrepr, str):
        return _last_raised(longrepr), longrepr
    crash = longrepr.get("reprcrash") if isinstance(longrepr, dict) else None
    message = str(crash.get("message", "")) if isinstance(crash, dict) else ""
    trace = longrepr.get("reprtraceback") if isinstance(longrepr, dict) else None
    return message, "\n".join(_lines_of(trace))


def _last_raised(trace: str) -> str:
    return next((line[1:].strip() for line in reversed(trace.splitlines()) if line.startswith("E ")), "")


def _lines_of(trace: Any) -> Iterator[str]:
    entries = trace.get("reprentries") if isinstance(trace, dict) else None
    for entry in entries or []:
        lines = (entry.get("data") or {}).get("lines") if isinstance(entry, dict) else None
        yield from (str(line) for line in lines or [])


def _error(nodeid: str, details: ErrorDetails) -> TestError:
    file, _, function = nodeid.partition("::")
    return TestError(Path(file), function, details)


def _once(errors: Iterable[TestError]) -> list[TestError]:
    """A test fails in several phases, and stays one test; the first word counts."""
    found: dict[str, TestError] = {}
    for error in errors:
        found.setdefault(error.nodeid, error)
    return list(found.values())
