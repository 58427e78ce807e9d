"""What a run may be told: flags, then FIXER_*, then `[tool.fixer]`, then defaults; and where each value came from."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from fixer.domain.errors import UsageError
from fixer.domain.ladder import Rung, build_ladder, read_ladder

GuardLevel = Literal["suite", "affected", "file", "none"]


@dataclass(frozen=True)
class Settings:
    """Everything that can be set. Seconds are wall time; a model's budget is in tokens."""

    model: tuple[str, ...] = ()
    """Never empty once loaded."""
    attempts: int = 3
    temperature: float = 0.4
    temperature_step: float = 0.1
    python: str = ""
    """The project's interpreter; empty: look for it."""
    test_timeout: float = 60.0
    run_timeout: float = 1800.0
    source: tuple[str, ...] = ()
    """The only places that may be edited, relative to the project; empty: wherever no test lives."""
    allow: tuple[str, ...] = ()
    """Protected files or folders that a fix may edit nevertheless, relative to the project; not the tests in them."""
    allow_tests: bool = False
    """Whether a fix may edit tests."""
    guards_off: tuple[str, ...] = ()
    """Guards on the diff that are not asked, by name."""
    max_lines: int = 200
    """Lines that a fix may add and remove."""
    max_files: int = 5
    commit: bool = True
    verify_hooks: bool = True
    """Whether the user's commit hooks run when a fix lands."""
    yes: bool = False
    guard: GuardLevel = "suite"
    """Other tests to guard after each fix: of its module (`file`), and those that execute the changed lines
    (`affected`); and all once more at the end (`suite`)."""
    confirm: int = 2
    """How often, each time in a process of its own, a test has to pass before its fix counts."""
    warm: bool = True
    """Whether tests are looked at in forks of a process that has pytest loaded; a fresh one has the last word."""
    offline_budget: float = 30.0
    """Seconds that the offline model may search per attempt."""
    offline_confidence: float = 0.52
    """What the offline model needs, 0 to 1, to land an edit that nobody looks at first."""
    seed: int = 0
    """Of the chance in the offline model's later attempts: the same seed searches in the same order."""
    token_budget: int = 8000
    """Tokens of context per attempt."""
    color: bool | None = None
    """None: wherever a terminal shows it."""
    model_timeout: float = 120.0
    edit_format: str = ""
    """How models are to write their edits, `diff` or `whole`; empty: as suits the model."""
    ladder: tuple[Rung, ...] = ()
    """The attempts at a test, one by one; empty: `attempts` for each model, at rising temperatures."""
    max_cost: float | None = None
    """US dollars for the whole run."""
    max_tokens: int | None = None
    time_limit: float | None = None
    """Seconds for the whole run."""
    max_attempts: int | None = None
    """Attempts of the whole run, at all its tests."""
    max_cost_per_test: float | None = None
    max_tokens_per_test: int | None = None
    time_limit_per_test: float | None = None

    def rungs(self) -> tuple[Rung, ...]:
        """The attempts to make at each test."""
        return self.ladder or build_ladder(self.model, self.attempts, self.temperature, self.temperature_step)


@dataclass(frozen=True)
class Loaded:
    """The settings, and for each by name where its value came from."""

    settings: Settings
    origins: Mapping[str, str]


def load_settings(project: Path, flags: Mapping[str, object], environ: Mapping[str, str]) -> Loaded:
    """Put the settings together; a flag that is None was not given. Raises UsageError."""
    layers = (
        _Layer({name: value for name, value in flags.items() if value is not None}, _flag_name),
        _from_environ(environ),
        _from_repository(project),
        _Layer({"model": model} if (model := environ.get("AIDER_MODEL")) else {}, lambda _: "AIDER_MODEL"),
        _Layer({"model": "offline"}, lambda _: "default"),
    )
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for layer in reversed(layers):
        for name, value in layer.values.items():
            origins[name] = layer.origin(name)
            values[name] = _checked(name, value, origins[name])
    if "ladder" in origins and _rank(layers, "model") < _rank(layers, "ladder"):
        del values["ladder"], origins["ladder"]  # whoever names a model wants that one, and not the project's
    everywhere = {field.name: origins.get(field.name, "default") for field in fields(Settings)}
    return Loaded(Settings(**values), everywhere)


def _rank(layers: Sequence[_Layer], name: str) -> int:
    return next(number for number, layer in enumerate(layers) if name in layer.values)


def keys_found(environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The API keys that are set, by name, each with a model that it opens."""
    return tuple((variable, model) for variable, model in _KEYS if environ.get(variable))


_KEYS = (
    ("ANTHROPIC_API_KEY", "sonnet"),
    ("OPENAI_API_KEY", "gpt-4o"),
    ("GEMINI_API_KEY", "gemini"),
    ("DEEPSEEK_API_KEY", "deepseek"),
    ("OPENROUTER_API_KEY", "openrouter/anthropic/claude-sonnet-4.5"),
    ("XAI_API_KEY", "xai/grok-4"),
    ("GROQ_API_KEY", "groq/llama-3.3-70b-versatile"),
    ("MISTRAL_API_KEY", "mistral/mistral-large-latest"),
)
_ENVIRON = "FIXER_"
_SECTION = "[tool.fixer]"
_ONLY_SAID = frozenset({"allow_tests"})
_NEVER_FROM_REPOSITORY = re.compile(r"key|token$|secret|password|url|base|host|endpoint|address|command|cmd|shell|env")


@dataclass(frozen=True)
class _Layer:
    values: Mapping[str, object]
    origin: Callable[[str], str]


def _flag_name(name: str) -> str:
    return {"commit": "--no-commit", "verify_hooks": "--no-verify"}.get(name, f"--{name.replace('_', '-')}")


def _from_environ(environ: Mapping[str, str]) -> _Layer:
    """Empty variables count as unset; names that are not ours are left alone unless they look like a slip."""
    given = {variable: value for variable, value in environ.items() if variable.startswith(_ENVIRON) and value}
    known = {f"{_ENVIRON}{name.upper()}": name for name in _READERS}
    for variable in given.keys() - known.keys():
        meant = get_close_matches(variable, known, n=1, cutoff=0.85)
        if meant:
            raise UsageError(f"{variable} is not a setting.", f"Did you mean {meant[0]}? unset {variable}")
    values = {known[variable]: _Text(value) for variable, value in given.items() if variable in known}
    return _Layer(values, lambda name: f"{_ENVIRON}{name.upper()}")


def _from_repository(project: Path) -> _Layer:
    for file in _pyproject_files(project):
        section = _section(file)
        if section is not None:
            return _layer_of(file, {key.replace("-", "_"): value for key, value in section.items()})
    return _Layer({}, lambda _: "")


def _layer_of(file: Path, section: Mapping[str, object]) -> _Layer:
    origin = f"{file} {_SECTION}"
    _refuse_strangers(origin, section)
    return _Layer(_inside(file.parent, section, origin), lambda name: f"{origin} {name}")


def _pyproject_files(project: Path) -> Iterator[Path]:
    """From the project up to the repository's top; only the project's own where there is no repository."""
    folders = [project, *project.parents]
    top = next((number for number, folder in enumerate(folders) if (folder / ".git").exists()), 0)
    return (folder / "pyproject.toml" for folder in folders[: top + 1] if (folder / "pyproject.toml").is_file())


def _section(file: Path) -> dict[str, object] | None:
    try:
        content = _toml(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as unreadable:
        raise UsageError(f"{file} cannot be read: {unreadable}.", "Correct it, then try again.") from unreadable
    tool = content.get("tool")
    section = tool.get("fixer") if isinstance(tool, dict) else None
    if section is not None and not isinstance(section, dict):
        raise UsageError(f"{file}: tool.fixer must be a table.", f"Write the settings below a line {_SECTION}.")
    return section


def _toml(text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


def _refuse_strangers(origin: str, section: Mapping[str, object]) -> None:
    for key in section:
        if key in _READERS:
            if key not in _ONLY_SAID:
                continue
            raise UsageError(
                f"{origin} {key}: that tests may be edited has to be said for each run.",
                f"Remove {key} there; say it: fixer run --allow-tests",
            )
        if _NEVER_FROM_REPOSITORY.search(key):
            raise UsageError(
                f"{origin} {key}: a repository may name a model, but no command, key or address.",
                f"Remove {key} there; set keys and addresses in your own environment.",
            )
        meant = get_close_matches(key, _READERS, n=1)
        cure = f"Did you mean {meant[0]}?" if meant else f"Known are: {', '.join(sorted(_READERS))}."
        raise UsageError(f"{origin} {key} is not a setting.", cure)


def _inside(folder: Path, section: Mapping[str, object], origin: str) -> dict[str, object]:
    """The section with `python` made absolute. What a repository names as interpreter runs: it must be its own."""
    own = dict(section)
    if isinstance(own.get("python"), str):
        python = Path(os.path.normpath(folder / str(own["python"])))
        if not python.is_relative_to(folder):
            raise UsageError(
                f"{origin} python: {own['python']} is outside the project; a repository may only name its own.",
                f"Name it yourself: fixer run --python {own['python']}",
            )
        own["python"] = str(python)
    return own


class _Text(str):
    """A value that had to be written as text, because it comes from the environment."""

    __slots__ = ()


_Reader = Callable[[object], object]


def _checked(name: str, value: object, origin: str) -> object:
    reader = _READERS.get(name)
    if reader is None:
        raise UsageError(f"{origin} is not a setting.", "See: fixer run --help")
    try:
        return reader(value)
    except ValueError as expected:
        shown = f'"{value}"' if isinstance(value, str) else value
        raise UsageError(f"{origin} is {shown}, but must be {expected}.", f"Correct {origin}.") from None


def _whole(low: int, high: int) -> _Reader:
    def read(value: object) -> int:
        number = int(value) if isinstance(value, _Text) and value.strip().isdecimal() else value
        if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return number

    return read


def _number(low: float, high: float) -> _Reader:
    wanted = f"a number from {low:g} to {high:g}"

    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | _Text):
            raise ValueError(wanted)
        try:
            number = float(value)
        except ValueError:
            raise ValueError(wanted) from None
        if not low <= number <= high:
            raise ValueError(wanted)
        return number

    return read


def _switch(value: object) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    known = words.get(value.strip().lower()) if isinstance(value, _Text) else value
    if not isinstance(known, bool):
        raise ValueError("true or false")
    return known


def _guard(value: object) -> str:
    if value not in ("suite", "affected", "file", "none"):
        raise ValueError("suite, affected, file or none")
    return str(value)


def _path(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a path")
    return str(value)


def _models(value: object) -> tuple[str, ...]:
    names = _list(value)
    if not names or not all(re.fullmatch(r"\w[\w./:@+-]*", name) for name in names):
        raise ValueError("the name of a model, or several")
    return names


def _edit_format(value: object) -> str:
    if value not in ("diff", "whole"):
        raise ValueError("diff or whole")
    return str(value)


def _ladder(value: object) -> tuple[Rung, ...]:
    """Each rung needs its model: a ladder stands for itself, whatever else is set."""
    if not isinstance(value, list | tuple) or not value or not all(isinstance(rung, Mapping) for rung in value):
        raise ValueError("a list of tables, in pyproject.toml")
    return read_ladder(value)


def _places(value: object) -> tuple[str, ...]:
    places = _list(value)
    if not all(place and not Path(place).is_absolute() and ".." not in Path(place).parts for place in places):
        raise ValueError("paths inside the project")
    return places


def _guard_names(value: object) -> tuple[str, ...]:
    from fixer.infrastructure.guards import CATALOGUE

    known = [name for name, _ in CATALOGUE]
    names = tuple(name.replace("-", " ").lower() for name in _list(value))
    if not set(names) <= set(known):
        raise ValueError(f"of these: {', '.join(known)}")
    return names


def _list(value: object) -> tuple[str, ...]:
    """Several values: a list, or text with commas."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise ValueError("text, or a list of texts")
    return tuple(item.strip() for item in items)


_READERS: dict[str, _Reader] = {
    "model": _models,
    "attempts": _whole(1, 20),
    "temperature": _number(0, 2),
    "temperature_step": _number(0, 2),
    "python": _path,
    "test_timeout": _number(0.1, 86400),
    "run_timeout": _number(1, 86400),
    "source": _places,
    "allow": _places,
    "allow_tests": _switch,
    "guards_off": _guard_names,
    "max_lines": _whole(1, 1_000_000),
    "max_files": _whole(1, 10_000),
    "commit": _switch,
    "verify_hooks": _switch,
    "yes": _switch,
    "guard": _guard,
    "confirm": _whole(1, 100),
    "warm": _switch,
    "offline_budget": _number(0, 3600),
    "offline_confidence": _number(0, 1),
    "seed": _whole(0, 2**31 - 1),
    "token_budget": _whole(500, 1_000_000),
    "color": _switch,
    "model_timeout": _number(1, 3600),
    "edit_format": _edit_format,
    "ladder": _ladder,
    "max_cost": _number(0, 1_000_000),
    "max_tokens": _whole(0, 1_000_000_000),
    "time_limit": _number(0, 1_000_000),
    "max_attempts": _whole(0, 1_000_000),
    "max_cost_per_test": _number(0, 1_000_000),
    "max_tokens_per_test": _whole(0, 1_000_000_000),
    "time_limit_per_test": _number(0, 1_000_000),
}
