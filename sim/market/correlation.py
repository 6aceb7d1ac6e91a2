"""The table ``[correlation]`` of a scenario: what makes its markets move together.

It says which correlations hold and which copula they are those of; `sim.market.joint_draws` draws from it.
Formulas: docs/model.md. Rows of matrices are the scenario's markets, in their order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import Field, PrivateAttr, Strict

from sim.core.correlation_matrix import defects
from sim.core.documents.sections import Problem, Section, choice, number
from sim.core.errors import InputError
from sim.core.student_t import MAX_DEGREES_OF_FREEDOM
from sim.market.estimated_correlation import Estimate, estimated
from sim.market.price_file import DEFAULT_MAX_GAP_SECONDS
from sim.market.price_process import PER_YEAR, PriceProcess

Rows = tuple[tuple[float, ...], ...]

_Row = Annotated[tuple[float, ...], Strict(strict=False)]
_Matrix = Annotated[tuple[_Row, ...], Strict(strict=False)]
_STATED: dict[str, Any] = {"unit": "1", "source": "stated by the scenario"}


class Market(Protocol):
    """What a market says of itself here."""

    @property
    def name(self) -> str:
        """Its short name."""
        ...

    @property
    def price(self) -> PriceProcess:
        """Its price process."""
        ...


class MarketPair(Section):
    """How two markets move together."""

    between: Annotated[tuple[str, str], Strict(strict=False)] = Field(
        description="Names of the two markets.", json_schema_extra={"unit": "", "source": "stated"}
    )
    correlation: float = number(
        ..., -1.0, 1.0, "1", "Correlation of the copula: rho, of Kendall's tau 2 arcsin(rho) / pi.",
        source="quant notes 5.4: 0.85 for BTC and ETH (assumption)",
    )  # fmt: skip


class StatedCorrelations(Section):
    """Correlations between markets, as a matrix or by pairs."""

    matrix: _Matrix = Field(
        (),
        description="Correlations of the copula, a row for each market in the order of the file.",
        max_length=8,
        json_schema_extra=_STATED,
    )
    pairs: Annotated[tuple[MarketPair, ...], Strict(strict=False)] = Field(
        (), description="Correlations by pairs of markets; those left out are as below.", max_length=28
    )

    def rows(self, names: Sequence[str], otherwise: Rows) -> Rows:
        """Return the matrix of markets.

        Parameters
        ----------
        otherwise
            What holds for pairs that nothing is said of.
        """
        if self.matrix:
            return self.matrix
        found = [list(row) for row in otherwise]
        for pair in self.pairs:
            i, j = (names.index(name) for name in pair.between)
            found[i][j] = found[j][i] = pair.correlation
        return tuple(map(tuple, found))

    def problems_of(self, markets: Sequence[Market], otherwise: Rows | None) -> Iterator[Problem]:
        """Yield what makes it no correlation matrix of these markets.

        Parameters
        ----------
        otherwise
            As in `rows`; None where only files tell, so that pairs cannot be judged together yet.
        """
        names = [market.name for market in markets]
        if self.matrix and self.pairs:
            yield ("pairs",), "say either matrix or pairs, not both"
            return
        if self.matrix:
            if len(self.matrix) != len(names):
                yield ("matrix",), f"must have {len(names)} rows, one for each market, had {len(self.matrix)}"
                return
            wrong: list[Problem] = [(("matrix", *place), message) for place, message in defects(self.matrix)]
        else:
            wrong = list(self._pair_problems(names))
            if not wrong and self.pairs and otherwise is not None:
                wrong = [(("pairs",), message) for _, message in defects(self.rows(names, otherwise))]
        yield from wrong
        if not wrong:
            yield from self._undriven(markets)

    def _pair_problems(self, names: Sequence[str]) -> Iterator[Problem]:
        seen: list[frozenset[str]] = []
        for index, pair in enumerate(self.pairs):
            unknown = [name for name in pair.between if name not in names]
            if unknown:
                known = ", ".join(names)
                yield ("pairs", index, "between"), f"there is no market {unknown[0]}, there are {known}"
            elif len(set(pair.between)) < 2:
                yield ("pairs", index, "between"), f"must be two markets, was {pair.between[0]} twice"
            elif frozenset(pair.between) in seen:
                first = seen.index(frozenset(pair.between))
                yield ("pairs", index, "between"), f"{' and '.join(pair.between)} stand in pairs.{first}"
            seen.append(frozenset(pair.between))

    def _undriven(self, markets: Sequence[Market]) -> Iterator[Problem]:
        """Yield correlations of markets whose price is driven by nothing that could be correlated."""
        rows = self.rows([market.name for market in markets], identity(len(markets)))
        for index, market in enumerate(markets):
            if market.price.is_driven:
                continue
            partners = [j for j, value in enumerate(rows[index]) if j != index and value != 0.0]
            if partners:
                pair = [n for n, one in enumerate(self.pairs) if market.name in one.between]
                if self.matrix:
                    yield ("matrix", index, partners[0]), _cannot_follow(market)
                else:
                    yield ("pairs", *pair[:1]), _cannot_follow(market)


class CorrelationInStress(StatedCorrelations):
    """Other correlations in turbulent times, as market 0 tells them.

    The volatility that market 0 realised up to the block before, exponentially weighted, says how far the
    correlations have gone from the calm ones to these.
    """

    calm_volatility: float = number(
        0.65, 0.0, 100.0, PER_YEAR, "Realised volatility of market 0 up to which correlations are calm.",
        source="quant notes 5.4: calm ETH (assumption)",
    )  # fmt: skip
    stress_volatility: float = number(
        1.5, 0.0, 100.0, PER_YEAR, "Realised volatility of market 0 from which on those of stress hold.",
        source="quant notes 5.4: ETH in stress (assumption)",
    )  # fmt: skip
    half_life_seconds: int = number(
        3_600, 1, 31_536_000, "s", "Half-life of a squared return in the realised variance.",
        source="assumption: an hour, longer than a crash of minutes and shorter than a day of stress",
    )  # fmt: skip

    def problems(self) -> Iterator[Problem]:
        """Yield correlations that nothing is said of, and a way that is no rise."""
        if not self.matrix and not self.pairs:
            yield (), "needs matrix or pairs: which correlations hold in stress"
        if self.stress_volatility <= self.calm_volatility:
            yield (
                ("stress_volatility",),
                f"must be above calm_volatility {self.calm_volatility:g}, was {self.stress_volatility:g}",
            )


class CommonJumps(Section):
    """Jumps of the log price at Poisson times that markets have in common.

    Each market takes its loading times the size, and its drift is compensated, so that jumps leave the
    expected price where it was.
    """

    intensity: float = number(
        10.0, 0.0, 1e6, PER_YEAR, "Expected jumps a year.",
        source="quant notes 5.4: rate of jumps (assumption, to be refitted)",
    )  # fmt: skip
    mean: float = number(
        -0.03, -3.0, 3.0, "log", "Mean of a jump in the log price, at a loading of 1.",
        source="assumption: jumps down outweigh jumps up, as in the price process merton",
    )  # fmt: skip
    deviation: float = number(
        0.07, 0.0, 3.0, "log", "Standard deviation of a jump, at a loading of 1.",
        source="quant notes 5.4: 7 % mean down jump (assumption)",
    )  # fmt: skip
    loadings: dict[str, Annotated[float, Field(ge=-10.0, le=10.0)]] = Field(
        description="Market -> what it takes of a jump; a market that is not named has none.",
        min_length=1,
        max_length=8,
        json_schema_extra=_STATED,
    )

    def problems_of(self, markets: Sequence[Market]) -> Iterator[Problem]:
        """Yield loadings of markets that are none or cannot jump."""
        by_name = {market.name: market for market in markets}
        for name in self.loadings:
            if name not in by_name:
                yield ("loadings", name), f"there is no market {name}, there are {', '.join(by_name)}"
            elif not by_name[name].price.takes_jumps:
                kind = by_name[name].price.kind
                yield ("loadings", name), f"a price of kind {kind} takes no jumps: its path is given"


class EstimatedFrom(Section):
    """Price files that correlations are estimated from: rank correlations of returns over common steps."""

    files: dict[str, Annotated[str, Field(max_length=1_024)]] = Field(
        description="Market -> CSV or Parquet file of its prices, inside the scenario's folder.",
        min_length=2,
        max_length=8,
        json_schema_extra={"unit": "", "source": "stated by the scenario"},
    )
    step_seconds: int = number(
        0, 0, 2_592_000, "s", "Length of a return; 0 is the distance of the rows of the coarsest file.",
        source="the files' own",
    )  # fmt: skip
    max_gap_seconds: int = number(
        DEFAULT_MAX_GAP_SECONDS, 1, 31_536_000, "s", "A longer gap in a file is refused.",
        source="design: one day",
    )  # fmt: skip

    def problems_of(self, markets: Sequence[Market]) -> Iterator[Problem]:
        """Yield files of markets that are none or cannot follow a correlation."""
        by_name = {market.name: market for market in markets}
        for name in self.files:
            if name not in by_name:
                yield ("files", name), f"there is no market {name}, there are {', '.join(by_name)}"
            elif not by_name[name].price.is_driven:
                yield ("files", name), _cannot_follow(by_name[name])


class CorrelationSection(StatedCorrelations):
    """What makes the markets move together; without it they are independent."""

    copula: Literal["gaussian", "t"] = choice(
        ...,
        "Copula of what drives the prices: at one correlation, the rarest falls are joint ones under t and "
        "none are under gaussian.",
        source="stated by the scenario",
    )
    degrees_of_freedom: int = number(
        4, 1, MAX_DEGREES_OF_FREEDOM, "1", "nu of the t copula; the fewer, the more of its tail is joint.",
        source="quant notes 5.1 and 5.4: about 4, 3 to 8 (secondary source)",
    )  # fmt: skip
    estimate: EstimatedFrom | None = Field(
        None, description="Files that the correlations are estimated from, in place of matrix and pairs."
    )
    stress: CorrelationInStress | None = Field(None, description="Other correlations in turbulent times.")
    jumps: CommonJumps | None = Field(None, description="Jumps that markets have in common.")
    same_moments: bool = choice(
        default=False,
        description="Whether markets of kind bootstrap repeat the same moments of their files, which must "
        "cover the same time.",
        source="assumption: each draws its own, unless the scenario asks for the files' own dependence",
    )

    _estimate: Estimate | None = PrivateAttr(None)

    @property
    def is_estimated(self) -> bool:
        """Whether its correlations come from files."""
        return self.estimate is not None

    def problems_among(self, markets: Sequence[Market]) -> Iterator[Problem]:
        """Yield what does not fit the markets of the scenario."""
        names = [market.name for market in markets]
        calm = identity(len(names))
        if len(names) < 2:
            yield (), "needs two markets, there is one"
            return
        yield from self._choice_problems()
        found = list(self.problems_of(markets, calm))
        yield from found
        if self.estimate is not None:
            for below, message in self.estimate.problems_of(markets):
                yield ("estimate", *below), message
        if self.stress is not None and not found:
            otherwise = None if self.is_estimated else self.rows(names, calm)
            for below, message in self.stress.problems_of(markets, otherwise):
                yield ("stress", *below), message
        if self.jumps is not None:
            for below, message in self.jumps.problems_of(markets):
                yield ("jumps", *below), message
        drawn = [market for market in markets if market.price.draws_moments]
        if self.same_moments and len(drawn) < 2:
            yield ("same_moments",), "needs two markets of kind bootstrap, whose files cover the same time"

    def _choice_problems(self) -> Iterator[Problem]:
        # The canonical form of a scenario writes every key, with its default where nobody gave it.
        usual = type(self).model_fields["degrees_of_freedom"].default
        if self.copula == "gaussian" and self.degrees_of_freedom != usual:
            yield ("degrees_of_freedom",), "a gaussian copula has none; leave it out, or say copula = 't'"
        stated = bool(self.matrix or self.pairs)
        if stated and self.is_estimated:
            yield ("estimate",), "say either matrix, pairs or estimate, not two of them"
        says_something = stated or self.is_estimated or self.same_moments or self.copula == "t"
        if not says_something and self.jumps is None and self.stress is None:
            yield (), "says of no markets that they move together; give it pairs, a matrix or jumps"

    @property
    def nu(self) -> int | None:
        """Degrees of freedom of the copula; None of a Gaussian one."""
        return self.degrees_of_freedom if self.copula == "t" else None

    def files(self) -> dict[str, str]:
        """Return the files it names, as the scenario writes them, by the key that names each."""
        named = {} if self.estimate is None else self.estimate.files
        return {f"estimate.files.{market}": written for market, written in named.items()}

    def with_files(self, files: Mapping[str, Path], names: Sequence[str]) -> Self:
        """Return the same section with the correlations of its files.

        Parameters
        ----------
        files
            By the keys of `files`.
        names
            Of all markets, in their order.

        Raises
        ------
        InputError
            A file cannot be used, or the correlations are those of no matrix.
        """
        if self.estimate is None:
            return self
        by_market = {market: files[f"estimate.files.{market}"] for market in self.estimate.files}
        found = estimated(
            by_market,
            names,
            step_seconds=self.estimate.step_seconds,
            max_gap_seconds=self.estimate.max_gap_seconds,
        )
        problems = [f"correlation.estimate: {message}" for _, message in defects(found.rows)]
        if self.stress is not None:
            later = self.stress.rows(names, found.rows)
            problems += [f"correlation.stress: {message}" for _, message in defects(later)]
        if problems:
            raise InputError(problems)
        copy = self.model_copy()
        copy._estimate = found  # noqa: SLF001  (own class)
        return copy

    def calm_rows(self, names: Sequence[str]) -> Rows:
        """Return the correlations of calm times.

        Raises
        ------
        InputError
            They are to come from files, and the scenario was not loaded from a file.
        """
        if self.estimate is None:
            return self.rows(names, identity(len(names)))
        if self._estimate is None:
            raise InputError("correlation.estimate: the scenario was not loaded from a file, so it has none")
        return self._estimate.rows

    def stress_rows(self, names: Sequence[str]) -> Rows | None:
        """Return the correlations of turbulent times; None if they are those of calm ones."""
        return None if self.stress is None else self.stress.rows(names, self.calm_rows(names))

    def file_words(self) -> list[str]:
        """Return estimator and sample of what files were read for, a sentence."""
        return [] if self._estimate is None else [self._estimate.describe()]

    def describe(self, names: Sequence[str]) -> list[str]:
        """Return it in words, with its numbers, a sentence each."""
        nu = "" if self.nu is None else f" with {self.nu} degrees of freedom"
        calm, stress = self.calm_rows(names), self.stress_rows(names)
        lines = []
        if any(calm[i][j] for i, j in combinations(range(len(names)), 2)) or stress is not None:
            together = "Gaussian" if self.nu is None else "t"
            lines.append(f"Markets move together by a {together} copula{nu}: {_in_words(calm, names)}.")
        elif self.nu is not None:
            lines.append(f"Markets share the size of their moves by a t copula{nu}, and no direction.")
        lines += self.file_words()
        if self.stress is not None and stress is not None:
            lines.append(
                f"In stress: {_in_words(stress, names)}; gone to as {names[0]}'s realised volatility "
                f"(half-life {self.stress.half_life_seconds:,} s) goes from "
                f"{100 * self.stress.calm_volatility:g} to {100 * self.stress.stress_volatility:g} % a year."
            )
        if self.jumps is not None:
            loads = ", ".join(f"{load:g} times on {name}" for name, load in self.jumps.loadings.items())
            lines.append(
                f"Common jumps: {self.jumps.intensity:g} a year of {self.jumps.mean:g} ± "
                f"{self.jumps.deviation:g} in the log price, {loads}."
            )
        if self.same_moments:
            lines.append("Prices drawn in blocks from files repeat the same moments of them.")
        return lines


def identity(size: int) -> Rows:
    """Return the correlations of markets that have none."""
    return tuple(tuple(float(i == j) for j in range(size)) for i in range(size))


def _cannot_follow(market: Market) -> str:
    why = (
        "its returns come in blocks from a file" if market.price.draws_moments else "nothing drives its path"
    )
    return (
        f"market {market.name} cannot move together with another by a copula: its price is of kind "
        f"{market.price.kind}, {why}; leave its correlations out"
    )


def _in_words(rows: Rows, names: Sequence[str]) -> str:
    pairs = combinations(range(len(names)), 2)
    found = [f"{names[i]} and {names[j]} {rows[i][j]:.3g}" for i, j in pairs if rows[i][j]]
    return ", ".join(found) or "none are correlated"
