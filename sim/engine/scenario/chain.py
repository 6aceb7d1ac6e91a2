"""Chain section of a scenario: block space, fees and the mempool."""

from collections.abc import Iterator

from sim.core.documents.sections import Problem, Section, number


class ChainSection(Section):
    """Block gas limit, EIP-1559 base fee, background demand for block space, and the mempool."""

    block_gas_limit: int = number(
        30_000_000, 1_000_000, 1_000_000_000, "gas", "Gas limit of one block; the target is half of it.",
        source="Ethereum mainnet, August 2021 to February 2025",
    )  # fmt: skip
    base_fee_gwei: float = number(
        20.0, 1e-9, 1e6, "gwei", "Base fee of the first block.",
        source="assumption: an ordinary day of 2020-2024",
    )  # fmt: skip
    background_gas_share: float = number(
        2.0, 0.0, 100.0, "share of the gas target", "Mean gas per block that everybody else wants to use.",
        source="assumption: half the demand is priced out, so that the median bid sets the base fee",
    )  # fmt: skip
    background_gas_deviation: float = number(
        0.25, 0.0, 3.0, "log", "Standard deviation of the log of background demand from block to block.",
        source="assumption: wide enough that full and empty blocks alternate",
    )  # fmt: skip
    background_fee_gwei: float = number(
        20.0, 1e-9, 1e6, "gwei", "Median willingness to pay of background demand, base fee and tip together.",
        source="assumption: equal to the first base fee",
    )  # fmt: skip
    background_fee_deviation: float = number(
        0.6, 0.0, 3.0, "log", "Standard deviation of the log of that willingness to pay.",
        source="assumption: lognormal bids, 16 % pay more than 1.8 times the median",
    )  # fmt: skip
    mempool_size: int = number(
        5_120, 16, 1_000_000, "transactions", "Transactions kept; beyond it the lowest bid is evicted.",
        source="go-ethereum default global slots, 5120",
    )  # fmt: skip
    expiry_blocks: int = number(
        900, 1, 1_000_000, "blocks", "A transaction that waited this long is dropped.",
        source="go-ethereum default lifetime of three hours at 12 s",
    )  # fmt: skip
    min_priority_fee_gwei: float = number(
        0.0, 0.0, 1e6, "gwei", "Smallest tip a block builder accepts.",
        source="EIP-1559 sets none",
    )  # fmt: skip
    replacement_bump: float = number(
        0.10, 0.0, 10.0, "1", "A replacement must raise both fees by this share.",
        source="go-ethereum default price bump, 10 %",
    )  # fmt: skip
    native_price: float = number(
        200.0, 1e-6, 1e9, "quote per native coin", "Price of the coin that pays gas, to value fees.",
        source="assumption: near ETH in March 2020; scenarios set their own",
    )  # fmt: skip
    native_balance: float = number(
        1_000.0, 0.0, 1e9, "native coins", "Coins each participant holds for gas at the start.",
        source="assumption: large, so that fees decide inclusion and poverty does not",
    )  # fmt: skip

    def problems(self) -> Iterator[Problem]:
        """Yield the problems of the fee settings taken together."""
        if self.background_gas_share > 0 and self.background_fee_gwei < self.base_fee_gwei / 1_000:
            yield (
                ("background_fee_gwei",),
                "must not be below a thousandth of base_fee_gwei, was " + repr(self.background_fee_gwei),
            )
