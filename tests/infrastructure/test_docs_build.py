"""The documentation builds strictly, so that no page links to what is not there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BESIDE_PYTHON = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
MKDOCS = shutil.which("mkdocs", path=BESIDE_PYTHON)


def build(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [str(MKDOCS), "build", "--strict", "--config-file", str(config), "--site-dir", str(site)]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, env=quiet, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.skipif(MKDOCS is None, reason="mkdocs is not installed: pip install '.[dev]'")
def test_the_documentation_builds_without_a_warning(tmp_path: Path) -> None:
    built = build(ROOT / "mkdocs.yml", tmp_path / "site")
    assert built.returncode == 0, built.stderr
    assert (tmp_path / "site/first_fix/index.html").is_file()


@pytest.mark.skipif(MKDOCS is None, reason="mkdocs is not installed: pip install '.[dev]'")
def test_a_link_to_a_page_that_is_not_there_fails_the_build(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    (tmp_path / "docs/first_fix.md").open("a", encoding="utf-8").write("\n[gone](no_such_page.md)\n")
    built = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert built.returncode != 0
    assert "no_such_page.md" in built.stderr
