"""Line numbers of the keys and list entries of a TOML file.

``tomllib`` gives values without positions. This reads a text that ``tomllib`` has already accepted, so it
only has to find where things are, not whether they are right.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

Path = tuple[str | int, ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRINGS = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'',
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]\}\n#]+")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


@dataclass(slots=True)
class _Scanner:
    text: str
    at: int = 0
    lines: dict[Path, int] = field(default_factory=dict)
    counted_to: int = 0
    line: int = 1

    def mark(self, path: Path) -> None:
        """Note the current line as the place of ``path``, unless it has one already."""
        self.line += self.text.count("\n", self.counted_to, self.at)
        self.counted_to = self.at
        self.lines.setdefault(path, self.line)

    def skip_blank(self) -> None:
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def skip_spaces(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in " \t":
            self.at += 1

    def take(self, character: str) -> bool:
        if self.text.startswith(character, self.at):
            self.at += len(character)
            return True
        return False

    def key(self) -> tuple[str, ...]:
        """Read a dotted key."""
        parts: list[str] = []
        while True:
            self.skip_spaces()
            quoted = _STRINGS.match(self.text, self.at)
            bare = _BARE_KEY.match(self.text, self.at)
            if quoted:
                parts.append(_unquote(quoted.group()))
                self.at = quoted.end()
            elif bare:
                parts.append(bare.group())
                self.at = bare.end()
            self.skip_spaces()
            if not self.take("."):
                return tuple(parts)

    def value(self, path: Path) -> None:
        """Read a value, noting the entries of lists and inline tables."""
        if self.take("["):
            index = 0
            while True:
                self.skip_blank()
                if self.take("]") or self.at >= len(self.text):
                    return
                self.mark((*path, index))
                self.value((*path, index))
                index += 1
                self.skip_blank()
                self.take(",")
        elif self.take("{"):
            while True:
                self.skip_blank()
                if self.take("}") or self.at >= len(self.text):
                    return
                self.assignment(path)
                self.skip_blank()
                self.take(",")
        else:
            match = _STRINGS.match(self.text, self.at) or _SCALAR.match(self.text, self.at)
            self.at = match.end() if match else self.at + 1

    def assignment(self, path: Path) -> None:
        """Read ``key = value``."""
        start = self.at
        key = self.key()
        self.at, end = start, self.at
        for length in range(1, len(key) + 1):
            self.mark((*path, *key[:length]))
        self.at = end
        self.take("=")
        self.skip_spaces()
        self.value((*path, *key))


def toml_lines(text: str) -> dict[Path, int]:
    """Return the 1-based line on which each key, table and list entry of a valid TOML text begins."""
    scanner = _Scanner(text)
    counts: dict[Path, int] = {}
    table: Path = ()
    while True:
        scanner.skip_blank()
        if scanner.at >= len(text):
            return scanner.lines
        if scanner.take("["):
            is_list = scanner.take("[")
            table = _resolve(scanner.key(), counts, is_list=is_list)
            for length in range(1, len(table) + 1):
                scanner.mark(table[:length])
            scanner.take("]]" if is_list else "]")
        else:
            scanner.assignment(table)


def _resolve(key: tuple[str, ...], counts: dict[Path, int], *, is_list: bool) -> Path:
    """Return the path of a table header: a name that is a list of tables means its last entry."""
    path: Path = ()
    for position, name in enumerate(key):
        path = (*path, name)
        if is_list and position == len(key) - 1:
            counts[path] = counts.get(path, 0) + 1
        if path in counts:
            path = (*path, counts[path] - 1)
    return path


def _unquote(token: str) -> str:
    if token.startswith("'"):
        return token.strip("'")
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match.group(1), match.group(1)), token[1:-1])


def place_of(file: object, lines: Mapping[Path, int], where: Path) -> str:
    """Return ``file:line`` of a key, or of the nearest table above it; the file alone if there is none."""
    for length in range(len(where), 0, -1):
        if where[:length] in lines:
            return f"{file}:{lines[where[:length]]}"
    return str(file)
