"""Enactment section of a scenario: parameters that come into force in block 0, on accounts that exist."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, Strict

from sim.core.documents.sections import Problem, Section, choice
from sim.engine.scenario.risk import BUILT_IN_MODELS

GOVERNED_TABLES = ("margin", "liquidation", "insurance_fund", "risk_model_parameters")
"""Tables of ``[protocol]`` whose values a proposal can change; the oracle's are fixed at deployment."""

GOVERNED_MARKET_TABLES = ("risk_model_parameters", "pool")
"""The same of a market."""

_Text = Annotated[str, Field(max_length=2_000)]


class EnactmentSection(Section):
    """Parameters that the governor enacts in block 0, on accounts that opened under what was in force before.

    Proposals are queued a time-lock before block 0. Accounts open under the parameters of before, at the time
    of block 0; then the proposals are executed, and from there on everybody meets the scenario's protocol.
    """

    in_block_0: bool = choice(
        default=False,
        description="Whether the protocol's parameters come into force in block 0; else they always were.",
        source="a scenario describes one protocol, unless it asks what a change does",
    )
    risk_model_before: str | None = Field(
        None,
        description="Risk model in force before, as protocol.risk_model; the protocol's own unless stated.",
        max_length=1_024,
        json_schema_extra={"unit": "", "source": "the protocol's own"},
    )
    values_before: Annotated[tuple[_Text, ...], Strict(strict=False)] = Field(
        (),
        description='Parameters before where they differ, as --set takes them: "protocol.margin.x=1".',
        max_length=200,
        json_schema_extra={"unit": "", "source": "the protocol's own"},
    )

    @property
    def is_custom_model(self) -> bool:
        """Whether the risk model before is a file rather than one that ships."""
        return self.risk_model_before is not None and self.risk_model_before not in BUILT_IN_MODELS

    def problems(self) -> Iterator[Problem]:
        """Yield what no proposal can change, and what was before although nothing is enacted."""
        if not self.in_block_0:
            for name in ("risk_model_before", "values_before"):
                if getattr(self, name):
                    yield (name,), "says what was in force before, but in_block_0 is false"
        if self.is_custom_model and not str(self.risk_model_before).endswith(".vy"):
            yield (
                ("risk_model_before",),
                f"must be one of {', '.join(BUILT_IN_MODELS)} or a .vy file, was {self.risk_model_before!r}",
            )
        for index, text in enumerate(self.values_before):
            key, separator, _ = text.partition("=")
            if not separator or not is_governed(key.strip()):
                yield (
                    ("values_before", index),
                    (
                        "must be KEY=VALUE of a parameter that a proposal can change: protocol."
                        f"{{{', '.join(GOVERNED_TABLES)}}} or"
                        f" markets.N.{{{', '.join(GOVERNED_MARKET_TABLES)}}}, no deposit; was {text!r}"
                    ),
                )


def is_governed(key: str) -> bool:
    """Return whether a dotted key of a scenario is a parameter that a proposal can change."""
    parts = key.split(".")
    if parts[-1] == "deposit" or not all(parts):
        return False
    if parts[0] == "protocol":
        return len(parts) > 1 and parts[1] in GOVERNED_TABLES
    return parts[0] == "markets" and len(parts) > 2 and parts[2] in GOVERNED_MARKET_TABLES
