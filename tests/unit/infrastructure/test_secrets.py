"""Secrets are taken out of text, and nothing that a repair needs goes with them."""

from __future__ import annotations

import pytest

from fixer.infrastructure.secrets import mask

GITHUB = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"token: {GITHUB}", GITHUB),
        ("AWS_ACCESS_KEY_ID=AKIA" + "QWERTYUIOPASDFGH", "AKIAQWERTYUIOPASDFGH"),
        ("postgres://me:s3cr3t-pass@db/x", "s3cr3t-pass"),
        ("{'DB_PASSWORD': 'hunter2-and-more'}", "hunter2-and-more"),
        ('api_key = "0123456789abcdef"', "0123456789abcdef"),
        ("SECRET_TOKEN=abc123def456\nPATH=/bin", "abc123def456"),
        ("Authorization: Bearer abcdef123456", "abcdef123456"),
        ("xoxb-" + "1234567890-abcdefghij", "1234567890-abcdefghij"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ", "c2lnbmF0dXJlLXNpZ25hdHVyZQ"),
        ("sk-proj-" + "abcd1234" * 4, "abcd1234abcd1234"),
    ],
    ids=["github", "aws", "url", "dict", "source", "environment", "header", "slack", "jwt", "openai"],
)
def test_a_secret_is_masked(text: str, secret: str) -> None:
    masked = mask(f"before\n{text}\nafter")
    assert secret not in masked
    assert masked.startswith("before\n")
    assert masked.endswith("\nafter")


def test_a_private_key_keeps_its_lines_and_nothing_else() -> None:
    begin, end = ("-----" + word + " RSA PRIVATE KEY-----" for word in ("BEGIN", "END"))
    assert mask(f"x\n{begin}\nMIIEow\nIBAAKC\n{end}\ny") == f"x\n{begin}***\n\n\n{end}\ny"


def test_a_variable_of_this_environment_is_masked_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SERVICE_TOKEN", "plainwords")
    assert mask("got plainwords") == "got ***"


@pytest.mark.parametrize(
    "text",
    [
        "password = get_password(user)\n",
        "def login(token: str, secret=None) -> bool:\n",
        "token = self.next_token\n",
        "for key in sorted(tokens):\n",
        "assert sha256(b'x') == '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881'\n",
        "tests/test_token.py::test_secret[1] FAILED\n",
        "secret == expected_secret\n",
        "tests/test_skip_by_exception.py::test_skip_everything\n",
        "task_manager_of_group_1 = sk_total_amount_2 + pkg_version\n",
        "http://127.0.0.1:43210/v1\n",
        "the bearer of good tidings\n",
    ],
)
def test_what_a_program_says_of_secrets_is_none(text: str) -> None:
    assert mask(text) == text


def test_a_long_text_is_masked_in_no_time() -> None:
    text = "".join(f"line {number} of key value pairs: {number * 7919}\n" for number in range(3_000))
    assert mask(text) == text
