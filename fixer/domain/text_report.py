"""Reads failing tests out of pytest's text output: its report sections, its short summary and its verbose lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import dropwhile
from pathlib import Path, PurePath

from fixer.domain.models import CodeLocation, ErrorDetails, TestError

UNKNOWN_TYPE = "unknown"


def read_failures(text: str) -> list[TestError]:
    """The failing tests that the text tells of, each node id once, with the fullest details found."""
    loose, sections = _split([_without_prefix(line) for line in _ESCAPES.sub("", text).splitlines()])
    found = _named_failures(loose, frozenset(name for section in sections for name in _names(section)))
    for section in sorted(sections, key=lambda section: section.phase == "call"):
        nodeid = _nodeid_of(section, found)
        if nodeid:
            found[nodeid] = _section_failure(section, found.get(nodeid))
    return [_test_error(nodeid, failure) for nodeid, failure in found.items()]


@dataclass(frozen=True)
class _Failure:
    details: ErrorDetails
    frames: tuple[CodeLocation, ...] = ()
    location: CodeLocation | None = None


@dataclass
class _Section:
    """What stands under one heading of FAILURES or ERRORS; `test` is the node id without file, dots for `::`."""

    test: str
    phase: str
    trace: list[str] = field(default_factory=list)
    captured: list[str] = field(default_factory=list)


_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07")
_STAMP = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
_PREFIXES = [
    re.compile(r"^\ufeff?[^\t\n]+\t[^\t\n]+\t(?=\ufeff?\d{4}-)"),  # gh run view --log: job, step
    re.compile(rf"^\ufeff?\[?{_STAMP}\]?(?: \d\d[OE][ +]?| |$)"),  # GitHub, GitLab (with its stream), Jenkins
    re.compile(r"^\[?\d\d:\d\d:\d\d(?:[.,]\d+)?\]? "),
    re.compile(r"^[\w.-]{2,} *\| (?=\S|    )"),  # docker compose
    re.compile(r"^\[?(?:pypy|py|tox|nox|tests?)[\w.-]*\]?[:>] "),
    re.compile(r"^##\[\w+\]"),
    re.compile(r"^\[gw\d+\] (?:\[ *\d+%\] )?"),  # xdist
]
_RULE = re.compile(r"^={3,} ?(.*?\S) ?={3,}$")
_HEADING = re.compile(r"^(?:_{3,} (?=.*[^_ ])(?P<title>.+) _{3,}|_{1,2} (?P<long>(?!_ _).{30,}) _{1,2})$")
_SUBTEST = re.compile(r"^([\w.]+(?:\[.*\])?) (?:\[[^\]]*\] ?)?(?:\(.*\))?$")
_PHASE = re.compile(r"^ERROR (?:at )?(collecting|setup|teardown)(?: of)? ")
_CAPTURED = re.compile(r"^-{3,} ?Captured .* ?-{3,}$")
_STATUS = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS|RERUN|SUB\w+)\b")
_RED_FIRST = re.compile(r"^(?:FAILED|ERROR|SUBFAIL(?:ED)?(?:\[.*?\])? ?(?:\(.*?\))?) (?=\S)")
_AFTER_SUMMARY_ID = re.compile(r" - |$")
_AFTER_VERBOSE_ID = re.compile(r"(?<! ) +(?:FAILED|ERROR)\b(?: *\[ *\d+%\])? *")
_FILE = re.compile(r"^(?:[^:]+?\.\w+(?=::)|[^\s:]+\.py(?=\s|$))")
_PERCENT = re.compile(r"(?<! ) *\[ *\d+%\]$")
_TYPE = re.compile(r"^((?:\w+\.)*[A-Z]\w*)(?:: ?(.*)|$)", re.DOTALL)
_PLACE = re.compile(r"^(?P<file>[^\s:][^:]*\.\w+):(?P<line>\d+): ?(?P<rest>.*)$")
_NATIVE_PLACE = re.compile(r'^ +File "(?P<file>[^"]+)", line (?P<line>\d+)(?P<rest>)')
_RAISED = re.compile(r"^E(?: {1,3}(.*))?$")


def _without_prefix(line: str) -> str:
    for prefix in _PREFIXES:
        line = prefix.sub("", line, count=1)
    return line.rstrip()


def _split(lines: Iterable[str]) -> tuple[list[str], list[_Section]]:
    """The lines outside of the reports of single tests, and those reports; the output of passed tests is dropped."""
    loose: list[str] = []
    sections: list[_Section] = []
    chapter, section, captured = "", None, False
    for line in lines:
        rule, heading = _RULE.match(line), _HEADING.match(line)
        if rule:
            chapter, section = rule[1], None
            loose.append(line)
        elif chapter.endswith("PASSES") or chapter == "XFAILURES":
            continue
        elif heading:
            section, captured = _open_section(heading["title"] or heading["long"]), False
            sections.append(section)
        elif section:
            captured = captured or bool(_CAPTURED.match(line))
            (section.captured if captured else section.trace).append(line)
        else:
            loose.append(line)
    return loose, sections


def _open_section(title: str) -> _Section:
    phase = _PHASE.match(title)
    test = _PHASE.sub("", title).removeprefix("[doctest] ")
    return _Section(test, phase[1] if phase else "call")


def _named_failures(loose: Iterable[str], known: frozenset[str]) -> dict[str, _Failure]:
    messages: dict[str, list[str]] = {}
    open_id = ""
    for line in loose:
        named = _named(line, known)
        if named:
            open_id, message = named
            messages.setdefault(open_id, []).append(message)
        elif _STATUS.match(line) or _RULE.match(line) or not line:
            open_id = ""
        elif open_id and messages[open_id][-1]:  # on CI the summary holds the whole message, line breaks and all
            messages[open_id][-1] += f"\n{line}"
    return {nodeid: _Failure(_details(max(told, key=len))) for nodeid, told in messages.items()}


def _named(line: str, known: frozenset[str]) -> tuple[str, str] | None:
    """Node id and message of a line that names a failing test in the summary's or the verbose style."""
    first = _RED_FIRST.match(line)
    if first:
        return _cut(line[first.end() :], _AFTER_SUMMARY_ID, known)
    return _cut(line, _AFTER_VERBOSE_ID, known)


def _cut(text: str, boundary: re.Pattern[str], known: frozenset[str]) -> tuple[str, str] | None:
    """Cut between node id and message. Parameters may hold the boundary too: the cut that closes the brackets wins."""
    file = _FILE.match(text)
    if not file:
        return None
    cuts = [(text[: end.start()], text[end.end() :]) for end in boundary.finditer(text, file.end())]
    wishes = (
        (cut for cut in cuts if _title_of(cut[0]) in known),
        (cut for cut in cuts if _closed(cut[0])),
        (cut for cut in cuts if cut[0].endswith("]")),
        iter(cuts),
    )
    best = next((cut for wish in wishes for cut in wish), None)
    return (best[0].rstrip(), _PERCENT.sub("", best[1])) if best else None


def _closed(nodeid: str) -> bool:
    return nodeid.count("[") == nodeid.count("]")


def _title_of(nodeid: str) -> str:
    name, bracket, parameters = nodeid.partition("::")[2].partition("[")
    return name.replace("::", ".") + bracket + parameters


def _nodeid_of(section: _Section, found: dict[str, _Failure]) -> str:
    """The id that a heading belongs to: headings name no file, the first line of the traceback does."""
    if section.phase == "collecting":
        return section.test
    files = [location.file for location, _ in _places(section.trace)]
    names = _names(section)
    same_name = [nodeid for name in names for nodeid in found if _title_of(nodeid) == name]
    in_trace = [nodeid for nodeid in same_name if any(_is_file_of(nodeid, file) for file in files)]
    untold = [nodeid for nodeid in same_name if not found[nodeid].details.stack_trace]
    told = in_trace or untold or same_name
    if told:
        return told[0]
    name, bracket, parameters = names[-1].partition("[")
    own = next((file.as_posix() for file in files if _of_the_project(file)), "")
    return f"{own}::{name.replace('.', '::')}{bracket}{parameters}" if own else ""


def _names(section: _Section) -> list[str]:
    """What the test may be called: as the heading says, and without what marks a subtest, should that be one."""
    return list(dict.fromkeys([section.test, _SUBTEST.sub(r"\1", section.test)]))


def _is_file_of(nodeid: str, file: Path) -> bool:
    """Whether the traceback's file is the node's, by its whole path or, where that is absolute, by its end."""
    own = PurePath(nodeid.partition("::")[0]).parts
    return file.parts[-len(own) :] == own


def _section_failure(section: _Section, named: _Failure | None) -> _Failure:
    places = _places(section.trace)
    raised = _last_raised(section.trace) or _last_raised_natively(section.trace)
    details = _details(raised, places[-1][1] if places else "")
    if not raised and named:
        details = (
            named.details if details.error_type == UNKNOWN_TYPE else replace(details, message=named.details.message)
        )
    details = replace(details, stack_trace=_text(section.trace), captured_output=_text(section.captured))
    frames = tuple(location for location, _ in places if _of_the_project(location.file))
    return _Failure(details, frames, frames[-1] if frames else None)


def _places(trace: Iterable[str]) -> list[tuple[CodeLocation, str]]:
    matches = (_PLACE.match(line) or _NATIVE_PLACE.match(line) for line in trace)
    return [(CodeLocation(Path(place["file"]), int(place["line"])), place["rest"]) for place in matches if place]


def _of_the_project(file: Path) -> bool:
    return not file.is_absolute() and ".." not in file.parts and "site-packages" not in file.parts


def _last_raised(trace: Iterable[str]) -> str:
    """The text behind the last run of `E` marks: of chained exceptions pytest shows the one that counts last."""
    groups: list[list[str]] = [[]]
    for line in trace:
        raised = _RAISED.match(line)
        if raised:
            groups[-1].append(raised[1] or "")
        elif groups[-1]:
            groups.append([])
    lines = next((group for group in reversed(groups) if group), [])
    return "\n".join(_dedented(lines))


def _last_raised_natively(trace: list[str]) -> str:
    """With `--tb=native`: what stands, not indented, below the last frame."""
    frames = [number for number, line in enumerate(trace) if _NATIVE_PLACE.match(line)]
    below = trace[frames[-1] + 1 :] if frames else []
    return "\n".join(dropwhile(lambda line: line.startswith(" "), below)).strip("\n")


def _dedented(lines: list[str]) -> Iterator[str]:
    indent = len(lines[0]) - len(lines[0].lstrip()) if lines else 0
    return (line[indent:] if not line[:indent].strip() else line for line in lines)


def _details(message: str, crash: str = "") -> ErrorDetails:
    """Type and message; where the crash line names the exception, that is believed over the message's first word."""
    if message.startswith('File "'):  # a syntax error shows the place first and the exception last
        place, _, last = message.rpartition("\n")
        return replace(_details(last.strip(), crash), message=f"{last.partition(': ')[2]}\n{place}".strip())
    typed = _TYPE.match(message)
    crashed = _TYPE.match(crash)
    name = typed[1].rpartition(".")[2] if typed else ""
    if typed and (not crashed or crashed[1] == name):
        return ErrorDetails(name, (typed[2] or "").strip())
    assertion = "AssertionError" if message.startswith("assert ") else UNKNOWN_TYPE
    return ErrorDetails(crashed[1] if crashed else assertion, message.strip())


def _text(lines: list[str]) -> str:
    return "\n".join(lines).strip("\n")


def _test_error(nodeid: str, failure: _Failure) -> TestError:
    file, _, function = nodeid.partition("::")
    return TestError(Path(file), function, failure.details, failure.location, failure.frames)
