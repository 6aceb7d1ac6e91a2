"""The rows of a run's tables: each class is the schema of one Parquet file and its documentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

from sim.core.columns import Column, exact
from sim.protocol.formulas import FormulaInputs
from sim.protocol.state import MarketState, ProtocolState


class BlockRow(NamedTuple):
    """One market after one block; what belongs to the whole protocol stands in the row of every market."""

    block: Annotated[int, Column("number", "block, from 1")]
    timestamp: Annotated[int, Column("seconds", "time of the block since 1970")]
    market: Annotated[int, Column("number", "market, from 0")]
    external_price: Annotated[float, Column("quote / base", "price outside, after impact")]
    fundamental_price: Annotated[
        float, Column("quote / base", "what the price outside would be without flow")
    ]
    index_price: Annotated[float, Column("quote / base", "weighted median of fresh oracle reports")]
    risk_price: Annotated[float, Column("quote / base", "index with bounded speed: margin uses it")]
    mark_price: Annotated[float, Column("quote / base", "price of an infinitesimal fill by the pool")]
    ema_price: Annotated[float, Column("quote / base", "exponential average of the index")]
    volatility_fast: Annotated[float, Column("per square root year", "short-memory estimate on chain")]
    volatility_slow: Annotated[float, Column("per square root year", "long-memory estimate on chain")]
    initial_margin_ratio: Annotated[float, Column("share", "initial ratio of a position near zero")]
    maintenance_margin_ratio: Annotated[
        float, Column("share", "maintenance ratio of a new position near zero")
    ]
    ramped_maintenance_margin_ratio: Annotated[
        float, Column("share", "what existing positions must hold while the target rises")
    ]
    mean_initial_margin_ratio: Annotated[
        float, Column("share", "initial ratio of open positions, weighted by notional")
    ]
    mean_maintenance_margin_ratio: Annotated[
        float, Column("share", "maintenance ratio in force, weighted by notional")
    ]
    long_open_interest: Annotated[float, Column("base", "sum of long sizes")]
    short_open_interest: Annotated[float, Column("base", "sum of short sizes")]
    open_interest_notional: Annotated[float, Column("quote", "sum of both sides at the risk price")]
    mean_leverage: Annotated[
        float, Column("ratio", "notional over positive equity of the accounts with a position")
    ]
    accounts_open: Annotated[int, Column("count", "accounts with a position in this market")]
    insurance_fund: Annotated[float, Column("quote", "reserves of the insurance fund")]
    pool_assets: Annotated[float, Column("quote", "what the pool's shares are worth, claims at the index")]
    bad_debt: Annotated[float, Column("quote", "loss that fund, winners or pool bore so far")]
    fund_draws: Annotated[float, Column("quote", "bad debt that the insurance fund paid so far")]
    haircuts: Annotated[float, Column("quote", "bad debt that winners' gains, open or held, paid so far")]
    socialized_loss: Annotated[float, Column("quote", "bad debt written off against the pool so far")]
    pending_deficit: Annotated[float, Column("quote", "owed without a position: not in `bad_debt`")]
    negative_equity: Annotated[
        float, Column("quote", "what accounts still open owe beyond their collateral: booked by nobody yet")
    ]
    liquidations: Annotated[int, Column("count", "liquidations of this market in the block")]
    liquidated_notional: Annotated[float, Column("quote", "what they closed, at the risk price")]
    margin_calls: Annotated[
        int, Column("count", "accounts that fell under their call level; in the row of market 0")
    ]
    forced_flow: Annotated[float, Column("quote", "forced trades sent outside for the next block, signed")]
    impact_log: Annotated[float, Column("log", "part of the log price outside that flow accounts for")]
    depth: Annotated[float, Column("quote", "what moves the price outside by 1 %")]
    base_fee_gwei: Annotated[float, Column("gwei / gas", "base fee of the block")]
    gas_used: Annotated[int, Column("gas", "gas of the block, background included")]
    gas_demanded: Annotated[int, Column("gas", "gas that wanted into the block, background included")]
    mempool_size: Annotated[int, Column("count", "transactions still waiting after the block")]
    included: Annotated[int, Column("count", "our transactions in the block")]
    reverted: Annotated[int, Column("count", "those of them that failed")]
    evicted: Annotated[int, Column("count", "waiting transactions that were evicted or expired")]
    oracle_age_seconds: Annotated[int, Column("seconds", "age of the index")]
    oracle_status: Annotated[int, Column("code", "status of the index: `OracleStatus`, 0 is valid")]
    liquidatable_accounts: Annotated[
        int, Column("count", "accounts whose equity is under the maintenance requirement, by estimate")
    ]
    block_digest: Annotated[str, Column("", "digest of the run up to this block")]


class TransactionRow(NamedTuple):
    """One transaction of ours that a block included."""

    block: Annotated[int, Column("number", "block, from 1")]
    position: Annotated[int, Column("number", "place in the block, from 0")]
    agent: Annotated[str, Column("", "who decided it")]
    kind: Annotated[str, Column("", "contract and entry point called")]
    sender: Annotated[int, Column("participant", "who sent and paid it")]
    account: Annotated[int, Column("participant", "account it is about, the sender's or another's")]
    status: Annotated[bool, Column("", "false if it reverted: nothing changed but the fee was paid")]
    revert_reason: Annotated[str, Column("", "why, empty on success")]
    gas_used: Annotated[int, Column("gas", "by the gas profile")]
    priority_fee_gwei: Annotated[float, Column("gwei / gas", "paid above the base fee")]
    fee_paid_eth: Annotated[float, Column("native coin", "gas times price")]
    submitted_block: Annotated[int, Column("number", "block in which it was sent to the mempool")]
    target: Annotated[str, Column("", "address of the contract called")]
    arguments: Annotated[
        tuple[int, ...], exact("", "arguments of one word, addresses as participants; lists are left out")
    ]
    calldata: Annotated[bytes, Column("", "what the contract received, whole")]
    max_fee_wei: Annotated[int, exact("wei / gas", "most it would pay in all")]
    max_priority_fee_wei: Annotated[int, exact("wei / gas", "most it would pay above the base fee")]
    fee_paid_wei: Annotated[int, exact("wei", "gas times price")]


class FormulaFailureRow(NamedTuple):
    """A question that a market's formula did not answer, from the first block to the block of an answer.

    The inputs are those of the end of its first block.
    """

    block: Annotated[int, Column("number", "first block in which it had no good answer, from 1")]
    timestamp: Annotated[int, Column("seconds", "time of that block since 1970")]
    market: Annotated[int, Column("number", "market, from 0")]
    question: Annotated[
        str,
        Column(
            "",
            "what about: `market`, without a position; `position`, one held or asked for; `haircut`, of "
            "collateral",
        ),
    ]
    account: Annotated[int, Column("participant", "whose position it is, -1 without one")]
    fault: Annotated[
        str,
        Column(
            "",
            "what it did: `reverted`, `out of range`, `out of gas`, `halted`, `no answer`, or `unseen` if it "
            "answered when it was asked again",
        ),
    ]
    detail: Annotated[str, Column("", "why it reverted, or what it answered")]
    formula: Annotated[str, Column("", "address of the formula")]
    inputs: FormulaInputs
    good_initial_ratio: Annotated[int, exact("share, WAD", "last good initial ratio, without a position")]
    good_maintenance_ratio: Annotated[
        int, exact("share, WAD", "last good maintenance ratio, without a position: in force meanwhile")
    ]
    good_block: Annotated[int, Column("number", "block of those ratios, 0 if they are of the set-up")]
    refused: Annotated[int, Column("count", "transactions refused meanwhile for want of an answer")]
    blocks: Annotated[int, Column("count", "blocks at whose end, or in which, it had no good answer")]
    answered_block: Annotated[int, Column("number", "block at whose end it answered again, -1 if none")]


class LiquidationRow(NamedTuple):
    """One forced close, partial ones included."""

    id: Annotated[int, Column("number", "liquidation, from 0, in order of execution")]
    block: Annotated[int, Column("number", "block, from 1")]
    timestamp: Annotated[int, Column("seconds", "time of the block since 1970")]
    account: Annotated[int, Column("participant", "who was liquidated")]
    market: Annotated[int, Column("number", "market, from 0")]
    liquidator: Annotated[int, Column("participant", "who earned the bounty")]
    size: Annotated[float, Column("base", "what was closed, signed as the position was")]
    price: Annotated[float, Column("quote / base", "fill price")]
    risk_price: Annotated[float, Column("quote / base", "price that margin was judged at")]
    notional: Annotated[float, Column("quote", "what was closed, at the risk price")]
    equity: Annotated[float, Column("quote", "equity before the close")]
    maintenance_requirement: Annotated[float, Column("quote", "requirement before the close")]
    fee: Annotated[float, Column("quote", "liquidation fee: bounty and share of the fund")]
    bounty: Annotated[float, Column("quote", "part of the fee for the liquidator")]
    insurance_fee: Annotated[float, Column("quote", "part of the fee for the insurance fund")]
    tip: Annotated[float, Column("quote", "what the fund added to a bounty too small to act on")]
    deficit: Annotated[float, Column("quote", "loss beyond the account's collateral")]
    leverage_at_entry: Annotated[float, Column("ratio", "leverage the account was opened with")]
    overshoot: Annotated[float, Column("share", "how far equity fell short of the requirement")]
    breach_cause: Annotated[
        str, Column("", "parameter if the margin target alone had moved on chain, else price")
    ]


@dataclass(frozen=True, slots=True)
class FinalState:
    """What a participant has at the end, exactly: the last part of the digest."""

    address: Annotated[str, Column("", "its address")]
    collateral_end_wad: Annotated[int, exact("quote, WAD", "collateral, negative in debt")]
    wallet_end_units: Annotated[int, exact("token units", "tokens outside the protocol")]
    balance_end_wei: Annotated[int, exact("wei", "native coin")]
    sizes_end_wad: Annotated[tuple[int, ...], exact("base, WAD", "signed size in each market")]
    entry_notionals_end_wad: Annotated[
        tuple[int, ...], exact("quote, WAD", "signed sum of size times fill price in each market")
    ]


class AccountRow(NamedTuple):
    """One participant from start to end."""

    account: Annotated[int, Column("participant", "number of the participant")]
    group: Annotated[str, Column("", "group it belongs to")]
    side: Annotated[str, Column("", "long, short or none: positions it started with; mixed: of both sides")]
    leverage_start: Annotated[float, Column("ratio", "leverage it started with")]
    notional_start: Annotated[float, Column("quote", "positions at the start, at the risk price")]
    collateral_start: Annotated[float, Column("quote", "collateral at the start")]
    wallet_start: Annotated[float, Column("quote", "tokens outside the protocol at the start")]
    wallet_end: Annotated[float, Column("quote", "tokens outside the protocol at the end")]
    equity_start: Annotated[float, Column("quote", "equity and vault shares at the start")]
    equity_end: Annotated[float, Column("quote", "equity and vault shares at the end")]
    size_end: Annotated[
        float, Column("base", "sum of its signed sizes at the end; of several markets see sizes_end_wad")
    ]
    realized_pnl: Annotated[float, Column("quote", "profit realised by closing")]
    fees_paid: Annotated[float, Column("quote", "trading and liquidation fees")]
    funding_paid: Annotated[float, Column("quote", "funding paid, negative if received")]
    gas_paid_eth: Annotated[float, Column("native coin", "gas paid")]
    topped_up: Annotated[float, Column("quote", "collateral added by the sender or for it")]
    margin_calls: Annotated[int, Column("count", "times it fell under its call level")]
    liquidations: Annotated[int, Column("count", "times it was liquidated")]
    liquidated_notional: Annotated[float, Column("quote", "what was closed by force, at the risk price")]
    profit: Annotated[float, Column("quote", "change of equity, wallet, shares and an outside leg, less gas")]
    final: FinalState


class EventRow(NamedTuple):
    """One log of a contract in a block, as it was emitted and as it reads."""

    block: Annotated[int, Column("number", "block, from 1")]
    position: Annotated[int, Column("number", "place of its transaction in the block")]
    contract: Annotated[str, Column("", "contract that emitted it, empty if it is none of ours")]
    event: Annotated[str, Column("", "name of the event, empty if the contract declares no such event")]
    account: Annotated[int, Column("participant", "whom it is about, -1 if nobody")]
    data: Annotated[
        dict[str, int],
        Column("", "JSON of every argument as an integer; addresses are participants, -1 for a contract"),
    ]
    address: Annotated[str, Column("", "address that emitted it")]
    topics: Annotated[tuple[bytes, ...], Column("", "topics, 32 bytes each")]
    raw_data: Annotated[bytes, Column("", "data as emitted")]


class ObservedRow(NamedTuple):
    """What a price file recorded in one row; there only if the file of market 0 has liquidations."""

    timestamp: Annotated[int, Column("seconds", "time of the row since 1970")]
    observed_long: Annotated[float, Column("as in the file", "longs liquidated")]
    observed_short: Annotated[float, Column("as in the file", "shorts liquidated")]


class MarketStateRow(NamedTuple):
    """One market after one block, exactly: the words of ``Lens.market_states``."""

    block: Annotated[int, Column("number", "block, from 1")]
    market: Annotated[int, Column("number", "market, from 0")]
    state: MarketState


class ProtocolStateRow(NamedTuple):
    """The whole protocol after one block, exactly: the words of ``Lens.protocol_state``."""

    block: Annotated[int, Column("number", "block, from 1")]
    state: ProtocolState


class CounterfactualRow(NamedTuple):
    """What was closed by force of one account in one market, here and in another world.

    The k-th unit closed here is matched with the k-th closed there. No rows where no other world was run.
    """

    world: Annotated[str, Column("", "the other world, or without_flow_of_N for account N")]
    account: Annotated[int, Column("participant", "who was liquidated")]
    market: Annotated[int, Column("number", "market, from 0")]
    side: Annotated[str, Column("", "long or short: the position that was closed")]
    closed_wad: Annotated[int, exact("base, WAD", "closed by force here")]
    closed_there_wad: Annotated[int, exact("base, WAD", "closed by force there")]
    matched_wad: Annotated[int, exact("base, WAD", "closed in both")]
    excess_wad: Annotated[int, exact("base, WAD", "closed here alone, the last units")]
    avoided_wad: Annotated[int, exact("base, WAD", "closed there alone")]
    brought_forward_wad: Annotated[
        int, exact("base, WAD", "closed in both, here earlier by more than a block")
    ]
    put_off_wad: Annotated[int, exact("base, WAD", "closed in both, here later by more than a block")]
    seconds_earlier: Annotated[
        float,
        Column("seconds", "by which a unit closed in both was closed earlier here, mean; 0 if none"),
    ]
    notional: Annotated[float, Column("quote", "what was closed here, at the risk price")]
    notional_there: Annotated[float, Column("quote", "what was closed there, at the risk price")]
    matched_notional: Annotated[float, Column("quote", "units closed in both, at the prices here")]
    matched_notional_there: Annotated[float, Column("quote", "units closed in both, at the prices there")]
    excess_notional: Annotated[float, Column("quote", "units closed here alone")]
    avoided_notional: Annotated[float, Column("quote", "units closed there alone")]
    brought_forward_notional: Annotated[float, Column("quote", "units brought forward, at the prices here")]


class WorldRow(NamedTuple):
    """One market after one block of another world. No rows where none was run."""

    world: Annotated[str, Column("", "the other world, or without_flow_of_N for account N")]
    block: Annotated[int, Column("number", "block, from 1")]
    timestamp: Annotated[int, Column("seconds", "time of the block since 1970")]
    market: Annotated[int, Column("number", "market, from 0")]
    external_price: Annotated[float, Column("quote / base", "price outside, after impact")]
    liquidations: Annotated[int, Column("count", "liquidations of this market in the block")]
    liquidated_notional: Annotated[float, Column("quote", "what they closed, at the risk price")]
    bad_debt: Annotated[float, Column("quote", "bad debt of the whole protocol so far")]


class RemovalRow(NamedTuple):
    """The run without what one account's forced closes do to prices outside, in one order of ties."""

    account: Annotated[int, Column("participant", "whose forced flow moved no price outside")]
    order: Annotated[int, Column("number", "order of transactions with equal bids, 0 is the run's own")]
    closed_of_it: Annotated[float, Column("quote", "what was closed of it, in the run of this order")]
    liquidated_notional: Annotated[float, Column("quote", "liquidated in all, in the run of this order")]
    liquidated_notional_without: Annotated[float, Column("quote", "liquidated in all without its flow")]
    bad_debt: Annotated[float, Column("quote", "bad debt in the run of this order")]
    bad_debt_without: Annotated[float, Column("quote", "bad debt without its flow")]
