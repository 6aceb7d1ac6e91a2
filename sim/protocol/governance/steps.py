"""Splits a change that is larger than the governor's rate limits into steps that are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import permutations
from typing import Final

from sim.protocol.governance.rules import WordRule
from sim.protocol.parameters.table import Condition

Words = Sequence[int]

MAX_STEPS: Final = 1_000
"""Assumption: a change that takes more than five years of proposals is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """A change in legal steps, and what of it has none."""

    path: list[list[int]]
    """[step][word] words after each step."""
    reasons: dict[str, str]
    """Field name -> why its word stays what it is."""


def steps(
    old: Words,
    target: Words,
    rules: Sequence[WordRule],
    names: Sequence[str],
    conditions: Sequence[Condition],
) -> Steps:
    """Return the words after each step; the last ones are the target, but for words with a reason.

    Every word goes as far as its rule lets it, which needs the fewest steps there can be. Words that the
    contract would refuse together on that way go along the straight line between them instead: conditions
    are linear, so between two points the contract takes there is none that it refuses. If that cannot be
    walked either (it starts out of bounds), one word goes after the other.

    Parameters
    ----------
    old, target, rules, names
        [word] current and wanted value, rule and field name; every target that differs must be within bounds.
    conditions
        Conditions on several words at once that the old words satisfy.
    """
    paths: list[tuple[list[int], list[list[int]]]] = []
    reasons: dict[str, str] = {}
    for block in _blocks(names, conditions):
        own = [names[i] for i in block]
        start, end = [old[i] for i in block], [target[i] for i in block]
        holds = _holding(own, conditions)
        path = None
        reason = f"the contract does not take {' and '.join(own)} together as they would be"
        if start == end or holds(end):
            path = _path(start, end, [rules[i] for i in block], holds)
            reason = f"the governor's rules do not lead there in {MAX_STEPS} steps"
        if path is None:
            reasons |= {name: reason for name, a, b in zip(own, start, end, strict=True) if a != b}
        elif path:
            paths.append((block, path))
    whole = [list(old) for _ in range(max((len(path) for _, path in paths), default=0))]
    for block, path in paths:
        for number, words in enumerate(whole):
            for i, word in zip(block, path[min(number, len(path) - 1)], strict=True):
                words[i] = word
    return Steps(path=whole, reasons=reasons)


def _blocks(names: Sequence[str], conditions: Sequence[Condition]) -> list[list[int]]:
    """Return the indices of the words that conditions tie together; every other word is its own block."""
    blocks = [{index} for index in range(len(names))]
    for condition in conditions:
        tied = {names.index(name) for name in condition.names}
        touched = [block for block in blocks if block & tied]
        blocks = [block for block in blocks if not block & tied] + [tied.union(*touched)]
    return sorted(sorted(block) for block in blocks)


def _holding(names: Sequence[str], conditions: Sequence[Condition]) -> Callable[[Words], bool]:
    mine = [condition for condition in conditions if condition.names[0] in names]
    return lambda words: all(condition.holds(dict(zip(names, words, strict=True))) for condition in mine)


def _path(
    old: Words, target: Words, rules: Sequence[WordRule], holds: Callable[[Words], bool]
) -> list[list[int]] | None:
    """Return the first of the known ways on which every point is taken."""
    for path in _ways(old, target, rules):
        if path is not None and all(holds(words) for words in path):
            return path
    return None


def _ways(old: Words, target: Words, rules: Sequence[WordRule]) -> Iterator[list[list[int]] | None]:
    yield _walk(old, target, lambda words: _fastest(words, target, rules))
    if len(old) == 1:
        return
    yield _walk(old, target, lambda words: _straight(words, target, rules))
    for order in permutations(range(len(old))):
        yield _walk(old, target, partial(_in_turn, target=target, rules=rules, order=order))


def _walk(old: Words, target: Words, step: Callable[[Words], list[int]]) -> list[list[int]] | None:
    path: list[list[int]] = []
    words: Words = old
    while list(words) != list(target):
        after = step(words)
        if after == list(words) or len(path) == MAX_STEPS:
            return None
        path.append(after)
        words = after
    return path


def _fastest(words: Words, target: Words, rules: Sequence[WordRule]) -> list[int]:
    return [
        word if word == wanted else rule.next(word, wanted)
        for word, wanted, rule in zip(words, target, rules, strict=True)
    ]


def _in_turn(words: Words, target: Words, rules: Sequence[WordRule], order: Sequence[int]) -> list[int]:
    first = next(i for i in order if words[i] != target[i])
    after = list(words)
    after[first] = rules[first].next(words[first], target[first])
    return after


def _straight(words: Words, target: Words, rules: Sequence[WordRule]) -> list[int]:
    """Return the farthest legal point on the line to the target; the words themselves if there is none."""
    share = Fraction(1)
    for word, wanted, rule in zip(words, target, rules, strict=True):
        if word != wanted:
            least, most = rule.reach(word)
            room = most - word if wanted > word else word - least
            share = min(share, Fraction(room, abs(wanted - word)))
    after = [
        _rounded(word, wanted, share, rule.grain)
        for word, wanted, rule in zip(words, target, rules, strict=True)
    ]
    is_legal = all(
        new == word or rule.refusal(word, new) is None
        for word, new, rule in zip(words, after, rules, strict=True)
    )
    return after if is_legal else list(words)


def _rounded(word: int, wanted: int, share: Fraction, grain: int) -> int:
    """Return a point between two words, rounded toward the first."""
    if share == 1:
        return wanted
    way = int(abs(wanted - word) * share) // grain * grain
    return word + way if wanted > word else word - way
