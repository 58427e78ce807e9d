"""What Aider gets in place of its own git repository and terminal. Imports Aider: import it only for an attempt."""

from __future__ import annotations

import io
import os
import re
import tokenize
from collections.abc import Callable, Iterable
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import git
from aider.io import InputOutput
from aider.repo import GitRepo

from fixer.infrastructure.fault_points import reach

COMMIT_MESSAGE = "attempt"


class ShadowGitRepo(GitRepo):  # type: ignore[misc]
    """Aider's repository, on a git directory of its own over the user's working tree."""

    def __init__(self, io: SilentIO, git_dir: Path, top: Path) -> None:
        # Not Aider's constructor: it looks for `.git` in the tree, which is the user's.
        self.io = io
        self.models: list[Any] = []
        self.normalized_path: dict[str, str] = {}
        self.tree_files: dict[Any, set[str]] = {}
        self.ignore_file_cache: dict[str, bool] = {}
        self.commit_prompt = None
        self.subtree_only = False
        # Aider signs commits by changing os.environ, which other threads and child processes would see.
        self.attribute_author = self.attribute_committer = self.attribute_co_authored_by = False
        self.attribute_commit_message_author = self.attribute_commit_message_committer = False
        self.git_commit_verify = False
        self.root = os.path.realpath(top)
        self.repo = _Repo(git_dir, self.root)

    def commit(self, fnames: Iterable[str] | None = None, **kwargs: Any) -> Any:
        """Only what was written: Aider also lists files whose edits did not apply."""
        written = [str(name) for name in fnames or () if os.path.realpath(Path(self.root, name)) in self.io.written]
        return super().commit(fnames=written, **kwargs) if written else None

    def get_commit_message(self, diffs: str, context: str, user_language: str | None = None) -> str:
        """A constant: these commits are landed under another message, and asking a model for one costs money."""
        del diffs, context, user_language
        return COMMIT_MESSAGE

    def get_tracked_files(self) -> list[str]:
        """Asked of git; Aider would walk the whole tree in Python."""
        return [path for path in self._text("ls-files", "-z").split("\0") if path]

    def get_diffs(self, fnames: Iterable[str] | None = None) -> str:
        """Non-empty where there is something to commit."""
        paths = [str(path) for path in fnames or ()]
        changed = self._text("diff", "--no-ext-diff", "--no-textconv", "HEAD", "--", *paths)
        return changed or self._text("ls-files", "-o", "--", *paths)

    def ignores(self, path: Path) -> bool:
        """Whether git ignores this path."""
        return bool(self.repo.ignored(str(path)))

    def changed_since(self, base: str) -> tuple[str, ...]:
        """Paths that differ between a commit and HEAD."""
        listed = self._text("diff", "--name-only", "--no-renames", "-z", base, "HEAD")
        return tuple(path for path in listed.split("\0") if path)

    def diff_since(self, base: str) -> str:
        """The unified diff between a commit and HEAD."""
        plain = ("--no-color", "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/")
        return self._text("diff", *plain, base, "HEAD")

    def text_at(self, commit: str, path: str) -> str:
        """A file as it was in a commit; empty where it was not there."""
        if not self._text("ls-tree", "-z", commit, "--", f":(top,literal){path}"):
            return ""
        return self._text("cat-file", "blob", f"{commit}:{path}")

    def drop_uncommitted(self, created: Iterable[Path]) -> None:
        """Delete files that were made for an edit which then did not apply."""
        for path in created:
            relative = path.relative_to(self.root).as_posix()
            if not self._text("ls-tree", "-z", "HEAD", "--", f":(top,literal){relative}"):
                self.repo.git.rm("--cached", "-f", "-q", "--ignore-unmatch", "--", str(path))
                path.unlink(missing_ok=True)

    def _text(self, *args: str) -> str:
        output: bytes = self.repo.git.execute(["git", *args], stdout_as_string=False, strip_newline_in_stdout=False)
        return output.decode("utf-8", errors="replace")


class SilentIO(InputOutput):  # type: ignore[misc]
    """A terminal that shows nothing, answers no, opens no page, and touches only files that were given to it."""

    def __init__(self, files: Iterable[Path], about_to_write: Callable[[Path, bytes], None]) -> None:
        super().__init__(pretty=False, yes=False, fancy_input=False)
        self.files = {str(path) for path in files}
        self._about_to_write = about_to_write
        self._seen: dict[str, bytes] = {}
        self.written: set[str] = set()
        self.errors: list[str] = []

    def read_text(self, filename: str | Path, silent: bool = False) -> str | None:
        """The text with plain newlines; None for files that were not given, whatever a model calls them."""
        del silent
        real = os.path.realpath(filename)
        if real not in self.files:
            return None
        try:
            self._seen[real] = Path(real).read_bytes()
            return io.TextIOWrapper(io.BytesIO(self._seen[real]), _encoding(self._seen[real])).read()
        except (OSError, SyntaxError, UnicodeDecodeError) as unreadable:
            self.tool_error(f"{filename} cannot be read: {unreadable}")
            return None

    def write_text(self, filename: str | Path, content: str, *args: object, **kwargs: object) -> None:
        """Write in the file's own encoding, keeping its line endings and the want of a last one."""
        path = Path(os.path.realpath(filename))
        if str(path) not in self.files:
            raise OSError(f"{filename} was not given to be edited")
        before = path.read_bytes()
        if before != self._seen.get(str(path), before):
            # A whole new text was made from what was read: written now, it would drop what its owner did since.
            raise OSError(f"{filename} was edited by someone else meanwhile")
        encoding = _encoding(before)
        after = keep_line_endings(before.decode(encoding), content).encode(encoding)
        self._about_to_write(path, after)
        self.written.add(str(path))
        self._seen[str(path)] = after
        path.write_bytes(after)
        reach("engine wrote")

    def tool_error(self, message: str = "", strip: bool = True) -> None:
        del strip
        self.num_error_outputs += 1
        self.errors.append(str(message))

    def tool_output(self, *messages: str, log_only: bool = False, bold: bool = False) -> None: ...

    def tool_warning(self, message: str = "", strip: bool = True) -> None: ...

    def assistant_output(self, message: str, pretty: bool | None = None) -> None: ...

    def user_input(self, inp: str, log_only: bool = True) -> None: ...

    def ai_output(self, content: str) -> None: ...

    def append_chat_history(self, *args: object, **kwargs: object) -> None: ...

    def log_llm_history(self, role: str, content: str) -> None: ...

    def confirm_ask(self, *args: object, **kwargs: object) -> bool:
        return False

    def offer_url(self, *args: object, **kwargs: object) -> bool:
        return False


def _encoding(text: bytes) -> str:
    return tokenize.detect_encoding(io.BytesIO(text).readline)[0]


def keep_line_endings(before: str, after: str) -> str:
    """`after`, with every line that was there before ending as it did; new lines end as most lines did."""
    old = _LINE.findall(before)
    if not old:
        return after
    texts, endings = [text for text, _ in old], [ending for _, ending in old]
    usual = max(_ENDINGS, key=endings.count)
    new = after.removesuffix("\n").split("\n")
    kept = [usual] * len(new)
    if len({*endings} - {""}) > 1:  # mixed: only then is it worth finding out which line is which
        for block in SequenceMatcher(None, texts, new, autojunk=False).get_matching_blocks():
            same = endings[block.a : block.a + block.size]
            kept[block.b : block.b + block.size] = [ending or usual for ending in same]
    # Aider ends every file with a newline; a file that had none keeps having none.
    kept[-1] = kept[-1] if endings[-1] else ""
    return "".join(text + ending for text, ending in zip(new, kept, strict=True))


_LINE = re.compile(r"(?=[\s\S])([^\r\n]*)(\r\n|\r|\n|\Z)")
_ENDINGS = ("\n", "\r\n", "\r")
# Whatever the user's configuration says: no hook, no signature, no tool of theirs runs on our commits.
_CONFIG = {
    "user.name": "fixer",
    "user.email": "fixer@localhost",
    "commit.gpgSign": "false",
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.safecrlf": "false",
    "core.quotePath": "false",
    "gc.auto": "0",
}


class _Repo(git.Repo):  # type: ignore[misc]
    """GitPython runs git in the working tree; it has to be told every time whose git directory is meant."""

    def __init__(self, git_dir: Path, top: str) -> None:
        super().__init__(git_dir, odbt=git.GitDB, expand_vars=False)
        self._working_tree_dir = self.working_dir = top
        self._bare = False
        self.git = git.Git(top)
        settings = {f"GIT_CONFIG_KEY_{number}": name for number, name in enumerate(_CONFIG)}
        settings |= {f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(_CONFIG.values())}
        self.git.update_environment(
            GIT_DIR=str(git_dir),
            GIT_WORK_TREE=top,
            GIT_INDEX_FILE=str(git_dir / "index"),
            GIT_OBJECT_DIRECTORY=str(git_dir / "objects"),
            GIT_CONFIG_COUNT=str(len(_CONFIG)),
            **settings,
        )
