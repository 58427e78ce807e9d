"""Where settings come from, which wins, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pytest

from fixer.domain.errors import UsageError
from fixer.settings import Loaded, Settings, keys_found, load_settings


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path


def configure(folder: Path, section: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "pyproject.toml"
    file.write_text(f"[tool.fixer]\n{section}\n")
    return file


def load(project: Path, environ: Mapping[str, str] | None = None, **flags: object) -> Loaded:
    return load_settings(project, flags, environ or {})


class TestPrecedence:
    def test_without_a_word_the_defaults_hold_and_the_model_is_offline(self, project: Path) -> None:
        loaded = load(project)
        assert loaded.settings == Settings(model=("offline",))
        assert loaded.origins == {field.name: "default" for field in fields(Settings)}

    def test_flags_win_over_environment_over_repository_over_default(self, project: Path) -> None:
        file = configure(project, "attempts = 4\ntemperature = 0.2\ntest_timeout = 9")
        environ = {"FIXER_ATTEMPTS": "5", "FIXER_TEMPERATURE": "0.3"}
        loaded = load(project, environ, attempts=6)
        chosen = loaded.settings
        assert (chosen.attempts, chosen.temperature, chosen.test_timeout, chosen.run_timeout) == (6, 0.3, 9.0, 1800.0)
        assert [loaded.origins[name] for name in ("attempts", "temperature", "test_timeout", "run_timeout")] == [
            "--attempts",
            "FIXER_TEMPERATURE",
            f"{file} [tool.fixer] test_timeout",
            "default",
        ]

    def test_flags_not_given_are_none_or_left_out(self, project: Path) -> None:
        assert load(project, {"FIXER_ATTEMPTS": "5"}, attempts=None).settings.attempts == 5

    @pytest.mark.parametrize(
        ("environ", "section", "model"),
        [
            ({}, "", ("offline",)),
            ({"AIDER_MODEL": "sonnet"}, "", ("sonnet",)),
            ({"AIDER_MODEL": "sonnet"}, 'model = "deepseek"', ("deepseek",)),
            ({"AIDER_MODEL": "sonnet", "FIXER_MODEL": "offline, sonnet"}, 'model = "gpt-4o"', ("offline", "sonnet")),
            ({"OPENAI_API_KEY": "a key is not a wish"}, "", ("offline",)),
            ({"FIXER_MODEL": ""}, 'model = ["a/b:c", "d"]', ("a/b:c", "d")),
        ],
    )
    def test_the_model_is_the_first_that_was_asked_for(
        self, project: Path, environ: dict[str, str], section: str, model: tuple[str, ...]
    ) -> None:
        configure(project, section)
        assert load(project, environ).settings.model == model

    def test_the_nearest_section_counts_up_to_the_top_of_the_repository(self, project: Path) -> None:
        configure(project, "attempts = 4")
        (project / "deep").mkdir()
        (project / "deep" / "pyproject.toml").write_text("[project]\nname = 'deep'\n")
        assert load(project / "deep").settings.attempts == 4
        configure(project / "deep", "attempts = 5")
        assert load(project / "deep").settings.attempts == 5

    def test_nothing_above_the_repository_counts(self, tmp_path: Path) -> None:
        configure(tmp_path, "attempts = 4")
        (tmp_path / "repo" / ".git").mkdir(parents=True)
        assert load(tmp_path / "repo").settings.attempts == 3

    def test_without_a_repository_only_the_project_itself_counts(self, tmp_path: Path) -> None:
        configure(tmp_path, "attempts = 4")
        (tmp_path / "plain").mkdir()
        assert load(tmp_path / "plain").settings.attempts == 3

    @pytest.mark.parametrize(
        ("variable", "text", "name", "value"),
        [
            ("FIXER_COMMIT", "no", "commit", False),
            ("FIXER_YES", "1", "yes", True),
            ("FIXER_COLOR", "FALSE", "color", False),
            ("FIXER_GUARD", "file", "guard", "file"),
            ("FIXER_CONFIRM", "5", "confirm", 5),
            ("FIXER_PYTHON", "/usr/bin/python3", "python", "/usr/bin/python3"),
            ("FIXER_SOURCE", "src,lib/core", "source", ("src", "lib/core")),
            ("FIXER_GUARDS_OFF", "special case, Hidden-Error", "guards_off", ("special case", "hidden error")),
            ("FIXER_ALLOW", "setup.cfg,docs", "allow", ("setup.cfg", "docs")),
            ("FIXER_ALLOW_TESTS", "yes", "allow_tests", True),
            ("FIXER_TEST_TIMEOUT", "2.5", "test_timeout", 2.5),
            ("FIXER_TOKEN_BUDGET", "900", "token_budget", 900),
            ("FIXER_WARM", "off", "warm", False),
        ],
    )
    def test_the_environment_speaks_text(
        self, project: Path, variable: str, text: str, name: str, value: object
    ) -> None:
        assert getattr(load(project, {variable: text}).settings, name) == value

    def test_hyphens_are_as_good_as_underscores(self, project: Path) -> None:
        configure(project, "test-timeout = 7")
        assert load(project).settings.test_timeout == 7.0


class TestRefusals:
    def test_an_unknown_guard_is_refused_with_the_names_of_all(self, project: Path) -> None:
        configure(project, 'guards_off = ["special case", "everything"]')
        with pytest.raises(UsageError, match=r"must be of these: protected file, .*special case"):
            load(project)

    def test_no_repository_can_say_that_tests_may_be_edited(self, project: Path) -> None:
        configure(project, "allow_tests = true")
        with pytest.raises(UsageError, match="has to be said for each run") as refused:
            load(project)
        assert refused.value.cure.endswith("fixer run --allow-tests")

    @pytest.mark.parametrize(
        ("section", "message", "cure"),
        [
            (
                "attempts = 0",
                "{origin} attempts is 0, but must be a whole number from 1 to 20.",
                "Correct {origin} attempts.",
            ),
            (
                'attempts = "3"',
                '{origin} attempts is "3", but must be a whole number from 1 to 20.',
                "Correct {origin} attempts.",
            ),
            (
                "temperature = true",
                "{origin} temperature is True, but must be a number from 0 to 2.",
                "Correct {origin} temperature.",
            ),
            (
                "commit = 1",
                "{origin} commit is 1, but must be true or false.",
                "Correct {origin} commit.",
            ),
            (
                'guard = "all"',
                '{origin} guard is "all", but must be suite, affected, file or none.',
                "Correct {origin} guard.",
            ),
            (
                'model = "--yes"',
                '{origin} model is "--yes", but must be the name of a model, or several.',
                "Correct {origin} model.",
            ),
            (
                'source = ["../other"]',
                "{origin} source is ['../other'], but must be paths inside the project.",
                "Correct {origin} source.",
            ),
            ("attemps = 3", "{origin} attemps is not a setting.", "Did you mean attempts?"),
            (
                'python = "/usr/bin/python3"',
                "{origin} python: /usr/bin/python3 is outside the project; a repository may only name its own.",
                "Name it yourself: fixer run --python /usr/bin/python3",
            ),
            (
                'api_key = "x"',
                "{origin} api_key: a repository may name a model, but no command, key or address.",
                "Remove api_key there; set keys and addresses in your own environment.",
            ),
        ],
    )
    def test_a_wrong_section_is_named_with_its_cure(self, project: Path, section: str, message: str, cure: str) -> None:
        origin = f"{configure(project, section)} [tool.fixer]"
        with pytest.raises(UsageError) as refused:
            load(project)
        assert refused.value.message == message.format(origin=origin)
        assert refused.value.cure == cure.format(origin=origin)

    @pytest.mark.parametrize(
        "key", ["test-command", "api_base", "base_url", "OPENAI_API_KEY".lower(), "proxy_host", "shell", "env", "token"]
    )
    def test_a_repository_names_no_command_key_or_address(self, project: Path, key: str) -> None:
        configure(project, f'{key} = "x"')
        with pytest.raises(UsageError, match="no command, key or address"):
            load(project)

    def test_the_projects_own_interpreter_may_be_named(self, project: Path) -> None:
        configure(project, 'python = ".venv/bin/python"')
        assert load(project).settings.python == str(project / ".venv" / "bin" / "python")

    def test_a_way_round_to_a_foreign_interpreter_is_seen_through(self, project: Path) -> None:
        configure(project, 'python = ".venv/../../evil"')
        with pytest.raises(UsageError, match="outside the project"):
            load(project)

    def test_toml_that_cannot_be_read_is_said_where_it_is(self, project: Path) -> None:
        file = project / "pyproject.toml"
        file.write_text("[tool.fixer\n")
        with pytest.raises(UsageError) as refused:
            load(project)
        assert refused.value.message.startswith(f"{file} cannot be read: ")

    @pytest.mark.parametrize("content", [b"\xff\xfe", b"tool = 3\n", b"[tool]\nfixer = 3\n"])
    def test_strange_files_are_refused_or_harmless(self, project: Path, content: bytes) -> None:
        (project / "pyproject.toml").write_bytes(content)
        if content == b"tool = 3\n":
            assert load(project).settings.attempts == 3
        else:
            with pytest.raises(UsageError):
                load(project)

    @pytest.mark.parametrize(
        ("environ", "message"),
        [
            ({"FIXER_ATTEMPTS": "many"}, 'FIXER_ATTEMPTS is "many", but must be a whole number from 1 to 20.'),
            ({"FIXER_TEMPERATURE": "nan"}, 'FIXER_TEMPERATURE is "nan", but must be a number from 0 to 2.'),
            ({"FIXER_COMMIT": "perhaps"}, 'FIXER_COMMIT is "perhaps", but must be true or false.'),
            ({"FIXER_ATEMPTS": "3"}, "FIXER_ATEMPTS is not a setting."),
        ],
    )
    def test_a_wrong_variable_is_named(self, project: Path, environ: dict[str, str], message: str) -> None:
        with pytest.raises(UsageError) as refused:
            load(project, environ)
        assert refused.value.message == message

    def test_variables_of_others_are_left_alone(self, project: Path) -> None:
        assert load(project, {"FIXER_UPPER_HOME": "/opt"}).settings == Settings(model=("offline",))

    def test_a_wrong_flag_is_named_as_it_was_typed(self, project: Path) -> None:
        with pytest.raises(UsageError) as refused:
            load(project, temperature_step=9.0)
        assert refused.value.message == "--temperature-step is 9.0, but must be a number from 0 to 2."


def test_keys_are_found_by_name_and_never_shown() -> None:
    environ = {"OPENAI_API_KEY": "sk-secret", "ANTHROPIC_API_KEY": "", "DEEPSEEK_API_KEY": "ds-secret"}
    found = keys_found(environ)
    assert found == (("OPENAI_API_KEY", "gpt-4o"), ("DEEPSEEK_API_KEY", "deepseek"))
    assert "secret" not in repr(found)
