"""The page of a run in headless Chromium: it runs without a complaint, and its keys and filter work."""

from __future__ import annotations

import shutil
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from fixer.application.records import AttemptRecord, ErrorRecord, RunRecord
from fixer.ui.html_report import html_report

pytestmark = pytest.mark.slow
BEGIN = datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone.utc)
DIFF = "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a = f(1)\n+a = f(2)\n"
DRIVE = """
<script>
const field = document.getElementById("filter");
document.dispatchEvent(new KeyboardEvent("keydown", { key: "/" }));
const focused = document.activeElement === field;
field.value = "TEST_3 unfixed"; field.dispatchEvent(new Event("input")); field.blur();
document.dispatchEvent(new KeyboardEvent("keydown", { key: "j" }));
const shown = [...document.querySelectorAll("details.test")].filter((test) => !test.hidden).map((test) => test.id);
const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
document.title = JSON.stringify({ focused, shown, on: document.activeElement.parentElement.id, wide });
</script>
"""


@pytest.fixture
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    return found


@pytest.mark.parametrize("width", [500, 1280])
def test_the_page_works_and_fits(chromium: str, tmp_path: Path, width: int) -> None:
    attempt = AttemptRecord(1, "m", 0.4, 0.4, "failed", "no", 4.0, 2.0, 1.0, 10, 3, 0.5, DIFF, BEGIN)
    names = [f"tests/{'deep_' * 12}/t.py::test_{at}[{'x' * at}]" for at in range(40)]
    tests = tuple(ErrorRecord(name, "unfixed", "E", "m", "", None, (attempt,)) for name in names)
    run = RunRecord("r1", BEGIN, BEGIN + timedelta(seconds=20), "m", 1, tests, ())
    (tmp_path / "r.html").write_text(html_report(run, {}).replace("</body>", f"{DRIVE}</body>"))
    done = subprocess.run(
        [
            *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"),
            *(f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},800", f"file://{tmp_path / 'r.html'}"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "CONSOLE" not in done.stderr
    assert '<title>{"focused":true,"shown":["test-4"' in done.stdout
    assert '"on":"test-4","wide":false}</title>' in done.stdout
