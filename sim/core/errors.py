"""The errors a user may see, each with the exit code of the command that raised it.

Everything that can go wrong because of what a user wrote, or because of the machine, is one of these; the
command line prints the text and exits with `exit_code`. Any other exception is a defect of Seawall.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar


class SeawallError(Exception):
    """Base of all errors meant for the user."""

    exit_code: ClassVar[int] = 3


class InputError(SeawallError):
    """The input is wrong: a scenario, a price file, a contract or an option.

    Attributes
    ----------
    problems
        One line per problem, with file, line and field where there is one.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        if not self.problems:
            self.problems = ("the input is not valid",)
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[str, ...]]]:
        """Keep the problems apart when the error crosses a process boundary."""
        return (type(self), (self.problems,))


class RunError(SeawallError):
    """The input is fine but the work could not be finished: disk full, engine missing, worker lost."""

    exit_code: ClassVar[int] = 3


class InvariantViolation(SeawallError):  # noqa: N818  # an audit finding, not a mishap
    """A numbered invariant does not hold.

    Attributes
    ----------
    invariant
        Identifier from the catalogue, for example ``SOLV-1``.
    block
        Block at whose end it was found broken.
    message
        What was compared, in words.
    operands
        The values compared, by name, so that the violation can be recomputed.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self, invariant: str, block: int, message: str, operands: Mapping[str, object] | None = None
    ) -> None:
        self.invariant = invariant
        self.block = block
        self.message = message
        self.operands: dict[str, object] = dict(operands or {})
        listed = ", ".join(f"{name}={value}" for name, value in self.operands.items())
        super().__init__(
            f"{invariant} broken at block {block}: {message}" + (f" ({listed})" if listed else "")
        )

    def __reduce__(
        self,
    ) -> tuple[type[InvariantViolation], tuple[str, int, str, dict[str, object]]]:
        """Keep the operands when the error crosses a process boundary."""
        return (type(self), (self.invariant, self.block, self.message, self.operands))

    @property
    def id(self) -> str:
        """Identifier of the invariant (same as `invariant`)."""
        return self.invariant
