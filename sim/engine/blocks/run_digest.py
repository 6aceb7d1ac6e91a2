"""The digest of a run: SHA-256 over the encoding that ``docs/digest.md`` specifies.

Only what stands exactly in the tables goes in, so that ``scripts/recompute_digest.py`` gets the same from a
results folder alone: what was called and with what result, every log as the EVM emitted it, the protocol's
state words after each block, and what every participant has at the end. Engine, floats and clock do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from sim.core.digest import Digest, count_bytes, integer_bytes, integers_bytes, sized_bytes
from sim.engine.blocks.rows import EventRow, FinalState, TransactionRow
from sim.protocol.state import MarketState, ProtocolState

SCHEMA_VERSION = 3
"""Version of the tables and of the encoding; it changes whenever either does."""

DOMAIN = f"seawall-run-{SCHEMA_VERSION}"
"""First part of every digest."""


class RunDigest:
    """Digest of the blocks of one run so far."""

    def __init__(self) -> None:
        self._digest = Digest(DOMAIN)

    def hexdigest(self) -> str:
        """Return the digest of everything added so far."""
        return self._digest.hexdigest()

    def block(
        self,
        block: int,
        transactions: Sequence[TransactionRow],
        events: Iterable[EventRow],
        markets: Sequence[MarketState],
        protocol: ProtocolState,
    ) -> str:
        """Add one block; return the digest so far.

        Parameters
        ----------
        transactions, events
            Rows of the block, in order of execution.
        markets, protocol
            State after the block.
        """
        logs: list[list[bytes]] = [[] for _ in transactions]
        for event in events:
            logs[event.position].append(_log(event))
        parts = [integer_bytes(block), count_bytes(len(transactions))]
        for row, emitted in zip(transactions, logs, strict=True):
            parts += (_receipt(row), count_bytes(len(emitted)), *emitted)
        parts.append(count_bytes(len(markets)))
        parts += [integers_bytes(market.words()) for market in markets]
        parts.append(integers_bytes(protocol.words()))
        self._digest.update(b"".join(parts))
        return self._digest.hexdigest()

    def accounts(self, states: Sequence[FinalState]) -> str:
        """Add what every participant has at the end, in order of their numbers; return the run's digest."""
        parts = [count_bytes(len(states))]
        parts += [
            _address(state.address)
            + integer_bytes(state.collateral_end_wad)
            + integer_bytes(state.wallet_end_units)
            + integer_bytes(state.balance_end_wei)
            + integers_bytes(state.sizes_end_wad)
            + integers_bytes(state.entry_notionals_end_wad)
            for state in states
        ]
        self._digest.update(b"".join(parts))
        return self._digest.hexdigest()


def _receipt(row: TransactionRow) -> bytes:
    return b"".join(
        (
            integer_bytes(row.sender),
            _text(row.kind),
            _address(row.target),
            sized_bytes(row.calldata),
            integers_bytes(row.arguments),
            integer_bytes(row.max_fee_wei),
            integer_bytes(row.max_priority_fee_wei),
            b"\1" if row.status else b"\0",
            _text(row.revert_reason),
            integer_bytes(row.gas_used),
            integer_bytes(row.fee_paid_wei),
        )
    )


def _log(row: EventRow) -> bytes:
    topics = row.topics
    return b"".join((_address(row.address), count_bytes(len(topics)), *topics, sized_bytes(row.raw_data)))


@lru_cache(maxsize=1 << 12)
def _text(text: str) -> bytes:
    return sized_bytes(text.encode("utf-8"))


@lru_cache(maxsize=1 << 16)
def _address(address: str) -> bytes:
    """Return the 20 bytes of an address."""
    return bytes.fromhex(address[2:])
