"""The one lock: who may change accounts, and what a stranger can do in the middle of an operation."""

from __future__ import annotations

import boa
import pytest

from sim.reference.fixed_point import QUANTUM, WAD
from tests.support.deployers import harness
from tests.support.protocol import (
    ALL,
    NOBODY,
    ORDER,
    START_PRICE,
    Protocol,
    id_of,
    isolated,
    rewound,
    units,
)

HELD = ("settle", "withdraw", "set_asset", "draw_fund", "write_off", "use_held", "release_held", "pay_tip")
FREE = ("deposit", "set_mode", "collect_fees")


def calls(protocol, account):
    """Every writer of the ledger with arguments that would do."""
    trader = id_of(account)
    return {
        "settle": (tuple((ORDER | {"account": trader, "size_delta": WAD}).values()),),
        "withdraw": (trader, 1, account),
        "set_asset": (trader, 0, True),
        "draw_fund": (trader, QUANTUM),
        "write_off": (trader,),
        "use_held": (trader, 0, 0, QUANTUM),
        "release_held": (trader, 0),
        "pay_tip": (account, QUANTUM),
        "deposit": (account, trader, 1),
        "set_mode": (trader, 1),
        "collect_fees": (account,),
        "lock": (),
    }


def data_of(contract, name, *arguments):
    return getattr(contract, name).prepare_calldata(*arguments)


def test_every_writer_is_tried(protocol):
    functions = protocol.ledger.compiler_data.global_ctx.exposed_functions
    writers = {f.name for f in functions if f.is_mutable}
    owners = {"transfer_ownership", "accept_ownership", "connect", "set_operator"}
    assert writers == owners | {"lock", "unlock"} | set(HELD) | set(FREE)


@pytest.mark.parametrize("name", [*HELD, *FREE, "lock"])
def test_only_operators_write(protocol, name):
    trader = protocol.account("trader", 1_000)
    arguments = calls(protocol, trader)[name]
    strangers = (
        trader,
        protocol.owner,
        protocol.risk.address,
        protocol.registry.address,
        protocol.pool.address,
    )
    for caller in strangers:
        with boa.reverts("operators: not operator"):
            getattr(protocol.ledger, name)(*arguments, sender=caller)


@pytest.mark.parametrize("name", HELD)
def test_parts_of_an_operation_need_the_lock(protocol, name):
    trader = protocol.account("trader", 1_000)
    data = data_of(protocol.ledger, name, *calls(protocol, trader)[name])
    operator = protocol.operator()
    with boa.reverts("operators: not locked"):
        operator.call_unlocked(protocol.ledger.address, data)
    operator.call_while_locked(protocol.ledger.address, data)


@pytest.mark.parametrize("name", [*FREE, "lock"])
def test_whole_operations_need_it_free(protocol, name):
    trader = protocol.account("trader", 1_000)
    protocol.token.mint(trader, 1)
    protocol.token.approve(protocol.ledger.address, 1, sender=trader)
    data = data_of(protocol.ledger, name, *calls(protocol, trader)[name])
    operator = protocol.operator()
    with boa.reverts("operators: locked"):
        operator.call_while_locked(protocol.ledger.address, data)
    operator.call_unlocked(protocol.ledger.address, data)


def test_only_its_holder_gives_it_back(protocol):
    operator = protocol.operator()
    with boa.reverts("operators: not holder"):
        operator.call_unlocked(protocol.ledger.address, data_of(protocol.ledger, "unlock"))
    with boa.reverts("operators: not holder"):
        protocol.ledger.unlock(sender=protocol.desk.address)
    assert protocol.ledger.holder() == NOBODY


def test_a_revoked_operator_stops_and_the_rest_goes_on(protocol):
    trader = protocol.account("trader", 1_000)
    protocol.increase(trader, WAD)
    protocol.ledger.set_operator(protocol.liquidation.address, False, sender=protocol.owner)
    with boa.reverts("operators: not operator"):
        protocol.liquidate(trader)
    protocol.decrease(trader)
    assert not protocol.ledger.is_operator(protocol.liquidation.address)


OWN, SELF = "its account", "its address"
USERS = {
    "withdraw": ("desk", "withdraw", 0, 1),
    "deposit": ("desk", "deposit", OWN, 1),
    "increase": ("desk", "increase_position", 0, 0, WAD, 0),
    "decrease": ("desk", "decrease_position", 0, 0, ALL, 0),
    "mode": ("desk", "set_mode", 1, 1),
    "cover": ("waterfall", "cover_deficit", OWN),
    "request shares": ("pool", "request_deposit", 1_000),
    "deposit into the fund": ("fund", "deposit", 1_000, SELF),
    "mint of the fund": ("fund", "mint", 10**9, SELF),
    **{
        f"{name} from the {vault}": (vault, name, amount, SELF, SELF)
        for vault in ("pool", "fund")
        for name, amount in (("withdraw", 1), ("redeem", 10**9))
    },
}
"""What a stranger tries: contract, function, arguments. Its own account and shares are ample."""


def tried_call(protocol, name):
    """Return the contract and the calldata of what the stranger tries."""
    key, function, *arguments = USERS[name]
    known = {OWN: id_of(protocol.token.address), SELF: protocol.token.address}
    contract = getattr(protocol, key)
    return contract.address, data_of(contract, function, *(known.get(a, a) for a in arguments))


@pytest.fixture(scope="module")
def _hooked():
    """A protocol whose token calls a stranger in mid-transfer; the stranger is the token itself."""
    with isolated():
        protocol = Protocol(fund=500, token=harness("HookedToken"))
        token, own = protocol.token, id_of(protocol.token.address)
        token.mint(token.address, units(40_000))
        for contract in (protocol.ledger, protocol.pool, protocol.fund):
            token.allow(contract.address, 2**256 - 1)
        token.do(protocol.desk.address, data_of(protocol.desk, "deposit", own, units(10_000)))
        token.do(protocol.pool.address, data_of(protocol.pool, "deposit", units(5_000), token.address))
        token.do(protocol.fund.address, data_of(protocol.fund, "deposit", units(100), token.address))
        for vault in (protocol.fund, protocol.pool):  # half of its shares wait until they may leave
            token.do(vault.address, data_of(vault, "request_exit", vault.balanceOf(token.address) // 2))
            protocol.wait(vault.exit_request(token.address).ready_at - boa.env.timestamp)
        protocol.report_again()
        yield protocol


@pytest.fixture
def hooked(_hooked):
    with isolated(), rewound(_hooked):
        yield _hooked


def nothing(protocol, trader):
    pass


def fall(protocol, trader):
    protocol.set_price(1_850 * WAD)


def fall_with_tips(protocol, trader):
    protocol.set_liquidation(min_bounty=5 * WAD)
    fall(protocol, trader)


def gain(protocol, trader):
    protocol.set_price(2_010 * WAD)


def exit(protocol, trader):
    protocol.decrease(trader)


DURING = {
    "deposit": (nothing, lambda p, trader: p.desk.deposit(id_of(trader), 0, sender=trader)),
    "withdrawal": (exit, lambda p, trader: p.withdraw(trader, units(1))),
    "close with a gain": (gain, exit),
    "close with a deficit": (fall, exit),
    "liquidation": (fall, lambda p, trader: p.liquidate(trader)),
    "liquidation with a tip": (fall_with_tips, lambda p, trader: p.liquidate(trader)),
}
"""Operation in whose transfers the stranger is called: what comes before, and the operation."""


@pytest.mark.parametrize("during", DURING)
@pytest.mark.parametrize("tried", USERS)
def test_a_stranger_called_in_mid_operation_changes_nothing(hooked, during, tried):
    """All that would succeed between operations is refused inside one, at each of its transfers."""
    protocol, token = hooked, hooked.token
    before, operate = DURING[during]
    trader = protocol.account("trader", 1_001)
    protocol.increase(trader, 10 * WAD)
    token.do(protocol.desk.address, data_of(protocol.desk, "increase_position", 0, 0, 10 * WAD, 0))
    before(protocol, trader)
    target, data = tried_call(protocol, tried)
    for skipped in range(4):
        with isolated():
            calls_before = token.called()
            token.arm(target, data, skipped)
            operate(protocol, trader)
            if token.called() == calls_before:
                break
            assert not token.succeeded()
            protocol.check_books([token.address])
    assert skipped > 0


@pytest.mark.parametrize("tried", USERS)
def test_between_operations_the_same_calls_succeed(hooked, tried):
    protocol, token = hooked, hooked.token
    token.do(protocol.desk.address, data_of(protocol.desk, "increase_position", 0, 0, 10 * WAD, 0))
    token.do(*tried_call(protocol, tried))


def test_a_lock_never_given_back_ends_with_the_transaction(protocol):
    trader = protocol.account("trader", 1_000)
    protocol.operator().call_and_forget(protocol.token.address, data_of(protocol.token, "balanceOf", trader))
    boa.env.evm.vm.state.clear_transient_storage()  # what the end of a transaction does
    protocol.set_price(START_PRICE)  # other tests have let the last one grow old
    protocol.increase(trader, WAD)
    assert protocol.ledger.holder() == NOBODY
