"""What can be changed in a contract: a fixed list of operators, and every place that each can be put at."""

from __future__ import annotations

import io
import random
import re
import tokenize
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

FOLDERS: Final = (".", "deleverage_policies", "lib", "modules", "risk_models")
"""Below ``contracts/``: all that is ours and not for tests."""


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Change:
    """One fault."""

    operator: str
    file: str
    """Below ``contracts/``."""
    line: int
    start: int
    """Offset in the source text."""
    end: int
    old: str
    new: str

    def put_into(self, source: str) -> str:
        """Return a source text with the fault.

        Raises
        ------
        ValueError
            The text is another one.
        """
        if source[self.start : self.end] != self.old:
            raise ValueError(f"{self.file}:{self.line} is not what the fault was made for")
        return source[: self.start] + self.new + source[self.end :]


@dataclass(frozen=True, slots=True)
class Token:
    """A word of Vyper and where it is."""

    kind: int
    text: str
    line: int
    start: int
    end: int


Statement = Sequence[Token]
Found = Iterator[tuple[Token, Token, str]]
"""First and last token of what is replaced, and what by."""

_DEFINITIONS: Final = frozenset({"struct", "event", "interface", "flag"})
_SKIPPED: Final = frozenset({"import", "from", "uses", "initializes", "exports", "implements", "def", "@"})


def changes_of(contracts: Path) -> dict[str, list[Change]]:
    """Return every change that can be made, by operator."""
    found: dict[str, list[Change]] = {name: [] for name in OPERATORS}
    for folder in FOLDERS:
        for path in sorted((contracts / folder).glob("*.vy")):
            source = path.read_text(encoding="utf-8")
            file = path.relative_to(contracts).as_posix()
            for statement in statements(source):
                for name, operator in OPERATORS.items():
                    for first, last, new in operator(statement, source):
                        found[name].append(
                            Change(
                                operator=name,
                                file=file,
                                line=first.line,
                                start=first.start,
                                end=last.end,
                                old=source[first.start : last.end],
                                new=new,
                            )
                        )
    return found


def sample(contracts: Path, count: int, seed: int) -> Iterator[Change]:
    """Draw changes, the operators in turn and each one's places at random, none of them twice."""
    draws = random.Random(seed)
    left = {name: draws.sample(found, len(found)) for name, found in changes_of(contracts).items() if found}
    drawn = 0
    while drawn < count and any(left.values()):
        for name in draws.sample(sorted(left), len(left)):
            if left[name] and drawn < count:
                drawn += 1
                yield left[name].pop()


def named(contracts: Path) -> list[Change]:
    """Return the changes that are tried whatever is drawn.

    Raises
    ------
    LookupError
        The contracts have no such place any more.
    """
    every = [change for found in changes_of(contracts).values() for change in found]
    found = []
    for operator, file, line in NAMED:
        lines = (contracts / file).read_text(encoding="utf-8").splitlines()
        there = [
            change
            for change in every
            if (change.operator, change.file) == (operator, file) and lines[change.line - 1].strip() == line
        ]
        if len(there) != 1:
            raise LookupError(f"{len(there)} places for {operator!r} at {file}: {line}")
        found += there
    return found


NAMED: Final = (
    (
        "boundary of a comparison",
        "modules/liquidation_plans.vy",
        "if inputs.equity >= convert(inputs.maintenance_requirement, int256):",
    ),
    ("dropped write", "modules/liquidation_plans.vy", "plan.obstacle = OBSTACLE_AVERAGE"),
    (
        "dropped assertion",
        "modules/liquidation.vy",
        'assert plan.obstacle == 0, "liquidation: far from average price"',
    ),
)
"""(operator, file, line): the exact boundary of eligibility, and the guard by the average price, twice."""


def statements(source: str) -> Iterator[Statement]:
    """Return the statements inside functions, without comments."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    depth, is_definition = 0, False
    current: list[Token] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.INDENT:
            depth += 1
        elif token.type == tokenize.DEDENT:
            depth -= 1
            is_definition = is_definition and depth > 0
        elif token.type == tokenize.NEWLINE:
            if depth == 0 and current[0].text in _DEFINITIONS:
                is_definition = True
            elif depth > 0 and not is_definition and current[0].text not in _SKIPPED:
                yield tuple(current)
            current = []
        elif token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.ENDMARKER):
            (row, column), (last_row, last_column) = token.start, token.end
            current.append(
                Token(
                    token.type,
                    token.string,
                    row,
                    starts[row - 1] + column,
                    starts[last_row - 1] + last_column,
                )
            )


# Operators: what they find in one statement


def _is_value(token: Token) -> bool:
    return token.kind in (tokenize.NAME, tokenize.NUMBER) or token.text in (")", "]")


def _binary(swaps: dict[str, str]) -> Callable[[Statement, str], Found]:
    def find(statement: Statement, _source: str) -> Found:
        for before, token in pairwise(statement):
            if token.text in swaps and _is_value(before):
                yield token, token, swaps[token.text]

    return find


def _word(swaps: dict[str, str]) -> Callable[[Statement, str], Found]:
    def find(statement: Statement, _source: str) -> Found:
        for token in statement:
            if token.kind == tokenize.NAME and token.text in swaps:
                yield token, token, swaps[token.text]

    return find


def _rounding(statement: Statement, _source: str) -> Found:
    for token in statement:
        if token.kind == tokenize.NAME and (found := re.fullmatch(r"(_\w+_)(up|down)", token.text)):
            yield token, token, found[1] + {"up": "down", "down": "up"}[found[2]]


def _constant(statement: Statement, _source: str) -> Found:
    is_type = 0
    for index, token in enumerate(statement):
        if token.text in ("DynArray", "Bytes", "HashMap"):
            is_type += 1
        if token.text == "=":
            is_type = 0
        previous = [other.text for other in statement[max(index - 2, 0) : index]]
        if (
            token.kind == tokenize.NUMBER
            and not is_type
            and previous[-1:] != ["["]
            and previous != ["bound", "="]
            and token.text.replace("_", "").isdigit()
        ):
            number = int(token.text.replace("_", ""))
            yield token, token, str(number + 1)
            if number:
                yield token, token, str(number - 1)


def _first_word(*words: str) -> Callable[[Statement, str], Found]:
    def find(statement: Statement, _source: str) -> Found:
        if statement[0].text in words:
            yield statement[0], statement[-1], "pass"

    return find


def _dropped_write(statement: Statement, _source: str) -> Found:
    for token in statement:
        if token.text in ("=", "+=", "-="):
            if statement[1].text == ".":
                yield statement[0], statement[-1], "pass"
            return
        if token.text in (":", "(") or token.text in _SKIPPED:
            return


def _dropped_call(statement: Statement, _source: str) -> Found:
    is_call = statement[0].text == "extcall" or (
        len(statement) > 3 and statement[1].text == "." and statement[3].text == "("
    )
    if (
        is_call
        and statement[-1].text == ")"
        and not any(token.text in ("=", "+=", "-=") and depth == 0 for token, depth in _depths(statement))
    ):
        yield statement[0], statement[-1], "pass"


def _negated(statement: Statement, source: str) -> Found:
    if statement[0].text in ("if", "elif") and statement[-1].text == ":":
        first, last = statement[1], statement[-2]
        yield first, last, f"not ({source[first.start : last.end]})"


def _swapped(statement: Statement, source: str) -> Found:
    """Find two neighbouring arguments that are plain names or fields."""
    for index, token in enumerate(statement[:-1]):
        if token.text != "(" or index == 0 or statement[index - 1].kind != tokenize.NAME:
            continue
        if statement[index - 1].text in ("min", "max"):
            continue  # the order of their arguments is none
        arguments, depth, begin = [], 0, index + 1
        for at in range(index + 1, len(statement)):
            text = statement[at].text
            if text in ("(", "[", "{"):
                depth += 1
            elif text in (")", "]", "}") and depth:
                depth -= 1
            elif depth == 0 and text in (",", ")"):
                arguments.append(statement[begin:at])
                begin = at + 1
                if text == ")":
                    break
        for one, other in pairwise(arguments):
            if one and other and all(_is_plain(argument) for argument in (one, other)):
                first = source[one[0].start : one[-1].end]
                second = source[other[0].start : other[-1].end]
                if first != second:
                    between = source[one[-1].end : other[0].start]
                    yield one[0], other[-1], f"{second}{between}{first}"


def _is_plain(argument: Statement) -> bool:
    return all(token.kind == tokenize.NAME or token.text == "." for token in argument)


def _depths(statement: Statement) -> Iterator[tuple[Token, int]]:
    depth = 0
    for token in statement:
        if token.text in ("(", "[", "{"):
            depth += 1
        elif token.text in (")", "]", "}"):
            depth -= 1
        yield token, depth


OPERATORS: Final[dict[str, Callable[[Statement, str], Found]]] = {
    "boundary of a comparison": _binary({"<": "<=", "<=": "<", ">": ">=", ">=": ">"}),
    "turned comparison": _binary({"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "!=", "!=": "=="}),
    "arithmetic": _binary({"+": "-", "-": "+", "*": "//", "//": "*", "+=": "-=", "-=": "+="}),
    "min and max": _word({"min": "max", "max": "min"}),
    "and and or": _word({"and": "or", "or": "and"}),
    "rounding": _rounding,
    "constant": _constant,
    "dropped assertion": _first_word("assert"),
    "dropped event": _first_word("log"),
    "dropped write": _dropped_write,
    "dropped call": _dropped_call,
    "negated condition": _negated,
    "swapped arguments": _swapped,
}
"""What is done -> where it can be done in a statement."""
