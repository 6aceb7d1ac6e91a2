# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Protocol constants
@custom:contract-name constants
@license Apache-2.0
@author Seawall contributors
@notice Units, bounds and codes that more than one contract shares. No parameter lives
        here: parameters are constructor arguments.
"""


# Units.
WAD: constant(uint256) = 10**18
QUANTUM: constant(uint256) = 10**12  # WAD of the smallest token unit (6 decimals)
YEAR_SECONDS: constant(uint256) = 31_536_000  # 365 days
DAY_SECONDS: constant(uint256) = 86_400
HOUR_SECONDS: constant(uint256) = 3_600

# Bounds.
MAX_MARKETS: constant(uint256) = 8
# Other assets than the quote token that accounts may have. An account's word has four bits for
# them, and a liquidation of eight positions and four assets must stay below 4 million gas.
MAX_ASSETS: constant(uint256) = 4
MAX_REPORTERS: constant(uint256) = 7
# Gas with which a formula is asked about one position: ten times what the dearest one that ships
# uses (assumption), so that one that does not end delays nothing.
FORMULA_GAS: constant(uint256) = 150_000
# The same for the portfolio model, about eight positions.
PORTFOLIO_GAS: constant(uint256) = 500_000
# Gas with which somebody who must not depend on a market asks about it. It cannot be starved:
# a call that fails for want of gas leaves its caller a sixty-third of what it had.
ANSWER_GAS: constant(uint256) = 2_000_000
# Of the sum of what positions require alone, the least that they require together (assumption: no
# model of correlations is believed further than that).
LEAST_PORTFOLIO_SHARE: constant(uint256) = 10**17

# Oracle status ladder, worst last (`IPriceOracle.AssetPrice.status`).
STATUS_VALID: constant(uint256) = 0
STATUS_UNCERTAIN: constant(uint256) = 1
STATUS_INSUFFICIENT: constant(uint256) = 2
STATUS_STALE: constant(uint256) = 3
STATUS_TOO_VOLATILE: constant(uint256) = 4
STATUS_NONE: constant(uint256) = 5

# Actions an oracle status allows or not (`IPriceOracle.is_allowed`).
ACTION_OPEN: constant(uint256) = 0
ACTION_WITHDRAW: constant(uint256) = 1
ACTION_LIQUIDATE: constant(uint256) = 2
ACTION_SETTLE: constant(uint256) = 3

# Modes of an account (`ILedger.Account.mode`).
MODE_ISOLATED: constant(uint256) = 1  # at most one market open at a time
MODE_PORTFOLIO: constant(uint256) = 2  # positions may offset each other's margin

# Why a position changes (`ILedger.Order.cause`).
CAUSE_TRADE: constant(uint256) = 0
CAUSE_LIQUIDATION: constant(uint256) = 1
CAUSE_DELEVERAGE: constant(uint256) = 2
