"""Portfolio section of a scenario: what accounts in portfolio mode are judged by, if it is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field, Strict

from sim.core.correlation_matrix import defects
from sim.core.documents.sections import Problem, Section, choice, number
from sim.core.units import WAD
from sim.engine.scenario.composed import StructSection, composed_of
from sim.protocol.parameters.table import structs_of

MARKETS = 8
"""Markets that the contracts hold."""


class BelievedPair(Section):
    """Correlation that the protocol takes two markets to have."""

    between: Annotated[tuple[str, str], Strict(strict=False)] = Field(
        description="Names of the two markets.",
        json_schema_extra={"unit": "", "source": "stated by the scenario"},
    )
    correlation: float = number(
        ..., -1.0, 1.0, "1", "Correlation that margin believes, before the break.",
        source="quant notes 5.4: 0.85 for BTC and ETH (assumption)",
    )  # fmt: skip


@composed_of(*structs_of("protocol.portfolio"))
class PortfolioParameters(StructSection):
    """Portfolio margin: joint scenarios for accounts whose positions offset each other.

    Without this table the protocol has no portfolio model, and no account may be in portfolio mode.
    """

    pairs: Annotated[tuple[BelievedPair, ...], Strict(strict=False)] = Field(
        (),
        description="Correlations that margin believes; those left out are 0. The prices' own stand in"
        " [correlation].",
        max_length=28,
    )
    estimated: bool = choice(
        default=False,
        description="Whether correlations are estimated on chain, and margin believes what is less. Without"
        " it sample_seconds to expiry_seconds act on nothing.",
        source="off: what is stated counts alone",
    )

    def rows(self, names: Sequence[str]) -> list[list[float]]:
        """Return the correlations of markets, as a matrix.

        Parameters
        ----------
        names
            Of the scenario's markets, in id order.
        """
        found = [[float(i == j) for j in range(MARKETS)] for i in range(MARKETS)]
        for pair in self.pairs:
            i, j = (list(names).index(name) for name in pair.between)
            found[i][j] = found[j][i] = pair.correlation
        return found

    def by_pair(self, names: Sequence[str]) -> tuple[float, ...]:
        """Return the correlations in the contract's order: (0, 1), (0, 2), (1, 2), (0, 3) and so on."""
        rows = self.rows(names)
        return tuple(rows[i][j] for j in range(MARKETS) for i in range(j))

    def problems_among(
        self, names: Sequence[str], max_premiums: Sequence[float], trade_fee_rate: float
    ) -> Iterator[Problem]:
        """Yield what only shows beside the markets: unknown ones, correlations of none, leaving unpaid.

        Parameters
        ----------
        names, max_premiums
            Of the scenario's markets, in id order.
        trade_fee_rate
            Of a trade.
        """
        wrong = list(self._pair_problems(names))
        if not wrong:
            wrong = [(("pairs",), message) for _, message in defects(self.rows(names))]
        yield from wrong
        least = trade_fee_rate * (1.0 + max(max_premiums, default=0.0))
        if self.close_out_ratio + 0.5 / WAD < least:
            yield (
                ("close_out_ratio",),
                (
                    f"must be at least {least:.6g}, the fee of closing at the largest premium, was"
                    f" {self.close_out_ratio:g}: hedged accounts could leave a debt at a constant price"
                ),
            )

    def _pair_problems(self, names: Sequence[str]) -> Iterator[Problem]:
        seen: list[frozenset[str]] = []
        for index, pair in enumerate(self.pairs):
            unknown = [name for name in pair.between if name not in names]
            if unknown:
                yield (
                    ("pairs", index, "between"),
                    f"there is no market {unknown[0]!r}, there are {', '.join(names)}",
                )
            elif pair.between[0] == pair.between[1]:
                yield ("pairs", index, "between"), f"must be two markets, was {pair.between[0]} twice"
            elif frozenset(pair.between) in seen:
                first = seen.index(frozenset(pair.between))
                yield ("pairs", index, "between"), f"{' and '.join(pair.between)} stand in pairs.{first}"
            seen.append(frozenset(pair.between))
