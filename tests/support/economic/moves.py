"""Makes histories up: what people of each kind do when it is legal, what is refused, and known attacks."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from sim.core.units import QUANTUM, TOKEN_UNIT, WAD
from sim.protocol.codes import AccountMode
from tests.support.economic.asset_moves import AssetMoves
from tests.support.economic.estimator_moves import EstimatorMoves
from tests.support.economic.history import HOSTILE, LEGAL, WHOLE, Action
from tests.support.economic.kinds import (
    ASSET_ATTACKS,
    ASSET_KINDS,
    ATTACKS,
    CLUSTER_ATTACKS,
    CONSTANT_KINDS,
    ESTIMATOR_ATTACKS,
    ESTIMATOR_KINDS,
    HOSTILE_ASSET_KINDS,
    HOSTILE_ESTIMATOR_KINDS,
    HOSTILE_KINDS,
    MOVING_ASSET_KINDS,
    MOVING_ATTACKS,
    MOVING_ESTIMATOR_ATTACKS,
    MOVING_KINDS,
)
from tests.support.economic.pair_moves import PairMoves
from tests.support.economic.play import Player
from tests.support.economic.verbs import BACKER, KEEPER, LP, TRADER, VAULTS, World

SHARES: Final = (100, 1_000, 2_500, 5_000, 7_500, 9_000, 9_900, WHOLE)
WAITS: Final = (1, 12, 12, 60, 300, 1_200, 3_600)
SMALL_MOVES: Final = (-100, -30, -5, 5, 30, 100)
LARGE_MOVES: Final = (-5_000, -3_000, -1_500, -700, -300, 300, 700, 1_500, 3_000, 5_000)


class Moves(AssetMoves, PairMoves, EstimatorMoves):
    """Draws actions for a player's world as it is."""

    def __init__(self, player: Player, draw: random.Random, attacks: Sequence[str] | None = None) -> None:
        self.player = player
        self.world: World = player.world
        self.random = draw
        self.members = list(player.members)
        self.moving = player.history.moving
        self.kinds = dict(MOVING_KINDS if self.moving else CONSTANT_KINDS)
        self.hostile_kinds = HOSTILE_KINDS
        known = {**ATTACKS, **MOVING_ATTACKS} if self.moving else dict(ATTACKS)
        if self.world.others.count:
            self.kinds |= ASSET_KINDS | (MOVING_ASSET_KINDS if self.moving else {})
            self.hostile_kinds += HOSTILE_ASSET_KINDS
            known |= ASSET_ATTACKS
        if self.world.draw.clusters:
            known |= CLUSTER_ATTACKS
        if self.world.draw.chooses:
            self.kinds |= ESTIMATOR_KINDS
            self.hostile_kinds += HOSTILE_ESTIMATOR_KINDS
            known |= ESTIMATOR_ATTACKS | (MOVING_ESTIMATOR_ATTACKS if self.moving else {})
        every = known | ASSET_ATTACKS | CLUSTER_ATTACKS | ESTIMATOR_ATTACKS | MOVING_ESTIMATOR_ATTACKS
        self.attacks = {name: every[name] for name in attacks or known}
        self.traders = [*self.members, TRADER] if self.moving else self.members
        self.markets = range(len(self.world.prices))

    # Ordinary behaviour

    def legal(self) -> Action | None:
        """Return something that ought to work now; None if the kind that was drawn has nothing to do."""
        (kind,) = self.random.choices(list(self.kinds), list(self.kinds.values()))
        made: Action | None = getattr(self, f"_{kind}")()
        return made._replace(intent=LEGAL) if made else None

    def _trader(self) -> int:
        return self.random.choice(self.traders)

    def _member(self) -> int:
        return self.random.choice(self.members)

    def _market(self) -> int:
        return self.random.choice(self.markets)

    def _amount(self, actor: int) -> int:
        """Return token units out of a wallet, of any order of magnitude."""
        held = self.world.wallet(actor)
        return int(held * 10 ** self.random.uniform(-5, -0.3))

    def _deposit(self) -> Action | None:
        actor = self._trader()
        units = self._amount(actor)
        account = actor if self.random.random() < 0.8 else self._member()
        return Action("deposit", actor, (account, units)) if units else None

    def _withdraw(self) -> Action | None:
        actor = self._trader()
        if self.world.collateral(actor) < WAD or not self.world.withdrawals_open():
            return None
        return Action("withdraw", actor, (self.random.choice(SHARES),))

    def _increase(self) -> Action | None:
        holders = [actor for actor in self.traders if self.world.collateral(actor) > 100 * WAD]
        if not holders:
            return self._deposit()
        actor, market = self.random.choice(holders), self._market()
        held = self.world.open_markets(actor)
        if held and self.world.mode(actor) == AccountMode.ISOLATED:
            market = held[0]
        size = self.world.position(actor, market).size
        side = self.random.choice((1, -1)) if size == 0 else (1 if size > 0 else -1)
        return Action("increase_most", actor, (market, side * self.random.choice(SHARES)))

    def _decrease(self) -> Action | None:
        open_ = [(actor, market) for actor in self.traders for market in self.world.open_markets(actor)]
        if not open_:
            return None
        actor, market = self.random.choice(open_)
        return Action("decrease", actor, (market, self.random.choice(SHARES)))

    def _mirror(self) -> Action | None:
        """Hedge another member's position."""
        open_ = [(actor, market) for actor in self.traders for market in self.world.open_markets(actor)]
        if not open_:
            return None
        other, market = self.random.choice(open_)
        actor = self._member()
        size, own = self.world.position(other, market).size, self.world.position(actor, market).size
        if actor == other or (own and (own > 0) == (size > 0)):
            return None
        if self.world.would_increase(actor, market, -size) is not None:
            return None
        return Action("mirror", actor, (other, market, WHOLE))

    def _mode(self) -> Action | None:
        flat = [actor for actor in self.members if not self.world.open_markets(actor)]
        if not flat:
            return None
        return Action("mode", self.random.choice(flat), (self.random.choice((0, 2, 1)),))

    def _liquidate(self) -> Action | None:
        found = [
            (account, market)
            for account in self.traders
            for market in self.world.open_markets(account)
            if self.world.would_liquidate(KEEPER, account, market) is None
        ]
        if not found:
            return None
        account, market = self.random.choice(found)
        return Action("liquidate", self.random.choice((KEEPER, self._member())), (account, market))

    def _sweep(self) -> Action | None:
        return Action("sweep", KEEPER) if self._liquidate() else None

    def _pending(self) -> int | None:
        pending = [account for account in self.traders if self.world.deficit(account) is not None]
        return self.random.choice(pending) if pending else None

    def _resolve(self) -> Action | None:
        return Action("resolve", KEEPER) if self._pending() is not None else None

    def _deleverage(self) -> Action | None:
        account = self._pending()
        if account is None:
            return None
        record = self.world.deficit(account)
        winners = self.world.ranked_winners(account, record.market) if record else []
        if not record or not winners:
            return None
        return Action("deleverage", KEEPER, (account, record.market, *winners[:32]))

    def _socialize(self) -> Action | None:
        account = self._pending()
        record = None if account is None else self.world.deficit(account)
        window = int(self.player.history.draw.word("adl_window_seconds"))
        if record is None or self.world.now < record.recorded_at + window:
            return None
        if (
            self.world.would_socialize(KEEPER, record.account) is not None
        ):  # the fund, or its own assets, come first
            return None
        return Action("socialize", KEEPER, (record.account,))

    def _cover(self) -> Action | None:
        account = self._pending()
        return None if account is None else Action("cover", self._member(), (account,))

    def _release(self) -> Action | None:
        """Collect what is freed of somebody's held gains."""
        freed = [
            account
            for account in self.traders
            if any(self.world.freed(account, market) for market in self.markets)
        ]
        return Action("release", self._member(), (self.random.choice(freed),)) if freed else None

    def _enter(self) -> Action | None:
        actor = self.random.choice((self._member(), self._member(), LP, BACKER))
        vault = {LP: "pool", BACKER: "fund"}.get(actor) or self.random.choice(list(VAULTS))
        units = self._amount(actor)
        if not units:
            return None
        if self.world.must_queue_in(vault):
            if self.world.would_ask_in(actor, units) is not None:
                return None
        elif not self.world.is_enterable(vault) or not self.world.preview(vault, "Deposit", units):
            return None
        return Action("enter", actor, (vault, units))

    def _mint(self) -> Action | None:
        actor, vault = self._member(), self.random.choice(list(VAULTS))
        shares = self.world.preview(vault, "Deposit", self._amount(actor))
        if not shares or not self.world.is_enterable(vault):
            return None
        return Action("mint", actor, (vault, shares))

    def _leave(self) -> Action | None:
        held = [
            (actor, vault)
            for actor in self.members
            for vault in VAULTS
            if self.world.shares(actor, vault) and self.world.redeemable(actor, vault)
        ]
        if not held:
            return None
        actor, vault = self.random.choice(held)
        return Action("leave", actor, (vault, self.random.choice(SHARES)))

    def _ask(self) -> Action | None:
        """Ask to leave a vault that has a queue."""
        held = [
            (actor, vault) for actor in self.members for vault in VAULTS if self.world.shares(actor, vault)
        ]
        if not held:
            return None
        actor, vault = self.random.choice(held)
        return Action("ask", actor, (vault, self.random.choice(SHARES)))

    def _cancel(self) -> Action | None:
        waiting = [
            (actor, vault) for actor in self.members for vault in VAULTS if self.world.waiting(actor, vault)
        ]
        if not waiting:
            return None
        actor, vault = self.random.choice(waiting)
        return Action("cancel", actor, (vault,))

    def _come_in(self) -> Action | None:
        """Take the shares of a deposit that has waited."""
        waiting = [
            owner
            for owner in (*self.members, LP)
            if self.world.waiting_entry(owner) and self.world.would_come_in(owner) is None
        ]
        return Action("come_in", self._member(), (self.random.choice(waiting),)) if waiting else None

    def _come_back(self) -> Action | None:
        """Take a deposit back whose shares cannot be had."""
        late = [
            actor
            for actor in (*self.members, LP)
            if self.world.waiting_entry(actor) and self.player.would_come_back(actor) is None
        ]
        return Action("come_back", self.random.choice(late)) if late else None

    def _donate(self) -> Action | None:
        actor = self._member()
        return Action(
            "donate",
            actor,
            (self.random.choice(("ledger", *VAULTS)), min(self._amount(actor), 10 * TOKEN_UNIT)),
        )

    def _poke(self) -> Action | None:
        return Action("poke", self._member(), (self._market(),))

    def _report(self) -> Action | None:
        """A dishonest reporter says something else; it may, once a second."""
        if not self.player.history.draw.dishonest_reporters:
            return None
        change = self.random.choice((*LARGE_MOVES, *SMALL_MOVES, 0))
        return Action("report", 0, (self._market(), change, self.random.choice((0, 0, 50, 900))))

    def _wait(self) -> Action | None:
        return Action("wait", KEEPER, (self.random.choice(WAITS),))

    def _price(self) -> Action | None:
        moves = LARGE_MOVES if self.random.random() < 0.25 else SMALL_MOVES
        return Action("price", KEEPER, (self._market(), self.random.choice(moves)))

    # What is refused

    def hostile(self) -> Action:
        """Return something that must be refused."""
        made: Action = getattr(self, f"_hostile_{self.random.choice(self.hostile_kinds)}")()
        return made._replace(intent=HOSTILE)

    def _hostile_forbidden(self) -> Action:
        return Action("forbidden", self._member())

    def _hostile_withdraw(self) -> Action:
        actor = self._member()
        return Action("withdraw_units", actor, (max(self.world.collateral(actor), 0) // QUANTUM + 1,))

    def _hostile_increase(self) -> Action:
        actor, market = self._member(), self._market()
        size = self.world.position(actor, market).size
        if size:  # against its own position
            return Action("increase", actor, (market, -size))
        much = 10**6 * max(self.world.collateral(actor), WAD) * WAD // self.world.index(market)
        return Action("increase", actor, (market, self.random.choice((0, much, -much, 10**37))))

    def _hostile_decrease(self) -> Action:
        actor = self._member()
        if self.world.open_markets(actor) and self.random.random() < 0.3:
            return Action("mode", actor, ((1, 0, 0)[self.world.mode(actor)],))
        free = [market for market in self.markets if not self.world.position(actor, market).size]
        if free:
            return Action("decrease", actor, (self.random.choice(free), WHOLE))
        return Action("decrease", actor, (self._market(), 0))

    def _hostile_liquidate(self) -> Action:
        """Go for an account that is healthy, or has nothing."""
        healthy = [
            (account, market)
            for account in self.traders
            for market in self.markets
            if self.world.would_liquidate(KEEPER, account, market) is not None
        ]
        if not healthy:
            return self._hostile_forbidden()
        account, market = self.random.choice(healthy)
        return Action("liquidate", self._member(), (account, market))

    def _hostile_socialize(self) -> Action:
        calm = [account for account in self.traders if self.world.deficit(account) is None]
        return Action("socialize", self._member(), (calm[0],)) if calm else self._hostile_forbidden()

    def _hostile_deleverage(self) -> Action:
        calm = [account for account in self.traders if self.world.deficit(account) is None]
        if not calm:
            return self._hostile_forbidden()
        return Action("deleverage", self._member(), (calm[0], self._market(), self._member()))

    def _hostile_take(self) -> Action:
        vault = self.random.choice(list(VAULTS))
        return Action("take", self._member(), (vault, self.world.assets(vault) + 1))

    def _hostile_take_of(self) -> Action:
        vault, owner = self.random.choice((("pool", LP), ("fund", BACKER)))
        return Action("take_of", self._member(), (vault, owner))

    def _hostile_enter(self) -> Action:
        vault = "fund" if self.world.must_queue_in("pool") else self.random.choice(list(VAULTS))
        return Action("enter", self._member(), (vault, 0))

    def _hostile_deposit(self) -> Action:
        actor = self._member()
        return Action("deposit", actor, (actor, self.world.wallet(actor) + 1))

    def _hostile_report(self) -> Action:
        return Action("report", self.members[-1] if len(self.members) > 1 else TRADER, (0, 0, 0))

    # Known attacks: their steps may work or not

    def attack(self) -> Iterator[Action]:
        """Return the steps of a known attack, with drawn sizes."""
        (kind,) = self.random.choices(list(self.attacks), list(self.attacks.values()))
        make: Callable[[], Iterator[Action]] = getattr(self, f"_attack_{kind}")
        return make()

    def _out_of(self, actor: int, vault: str) -> Iterator[Action]:
        """Leave a vault, through its queue if it has one."""
        queue = self.world.queue_seconds(vault)
        if vault == "pool" and self.world.waiting_entry(actor):
            yield Action("wait", KEEPER, (queue,))
            yield Action("come_in", actor, (actor,))
        yield Action("ask", actor, (vault, WHOLE))
        yield Action("wait", KEEPER, (queue + self.random.choice((0, 12)),))
        yield Action("leave", actor, (vault, WHOLE))

    def _pair(self) -> tuple[int, int]:
        first, second = self.random.sample(self.members, 2)
        return first, second

    def _far_beyond_the_clamp(self, market: int) -> int:
        """Return a size that reaches the clamp of the premium and goes on beyond it, WAD base."""
        terms = self.player.history.draw.markets[market]["pricing_terms"]
        bound = terms["skew_scale"] * max(terms["max_premium"], 0.001)
        return int(bound * 10 ** self.random.uniform(-0.5, 1.0) * WAD)

    def _all(self, actor: int) -> int:
        return int(self.world.wallet(actor) * self.random.choice((0.1, 0.5, 0.9)))

    def _attack_steps(self) -> Iterator[Action]:
        """Buy in steps, sell at once, or the other way round."""
        actor, market = self._member(), self._market()
        side = self.random.choice((1, -1))
        steps = self.random.choice((2, 3, 5))
        size = side * self._far_beyond_the_clamp(market)
        yield Action("deposit", actor, (actor, self._all(actor)))
        if self.random.random() < 0.5:
            for _ in range(steps):
                yield Action("increase", actor, (market, size // steps))
            yield Action("decrease", actor, (market, WHOLE))
        else:
            yield Action("increase", actor, (market, size))
            for step in range(steps, 0, -1):
                yield Action("decrease", actor, (market, WHOLE // step))
        yield Action("withdraw", actor, (WHOLE,))

    def _attack_pair(self) -> Iterator[Action]:
        """Buy the skew up with one account, sell it down with the other, leave the first bankrupt."""
        first, second = self._pair()
        market, side = self._market(), self.random.choice((1, -1))
        units = int(self.world.wallet(first) * 10 ** self.random.uniform(-3, -0.1))
        yield Action("deposit", first, (first, units))
        yield Action("increase_most", first, (market, side * self.random.choice((5_000, 9_900, WHOLE))))
        small = max(int(units * 10 ** self.random.uniform(-4, 0)), 1)
        yield Action("deposit", second, (second, small))
        if self.random.random() < 0.5:
            yield Action("mirror", second, (first, market, WHOLE))
        else:
            yield Action("increase_most", second, (market, -side * WHOLE))
        order = [first, second] if self.random.random() < 0.8 else [second, first]
        for actor in order:
            yield Action("decrease", actor, (market, WHOLE))
        for actor in order:
            yield Action("withdraw", actor, (WHOLE,))

    def _attack_visit(self) -> Iterator[Action]:
        """Enter a vault, move what its shares are worth, leave, take the move back."""
        first, second = self._pair()
        vault = self.random.choice(("pool", "pool", "fund"))
        market, side = self._market(), self.random.choice((1, -1))
        yield Action("deposit", first, (first, self._all(first)))
        move = Action("increase_most", first, (market, side * self.random.choice(SHARES)))
        before = self.random.random() < 0.5
        if before:
            yield move
        yield Action("enter", second, (vault, self._all(second)))
        if not before:
            yield move
        else:
            yield Action("decrease", first, (market, WHOLE))
        if self.random.random() < 0.3:
            yield Action("wait", KEEPER, (self.random.choice(WAITS),))
        yield from self._out_of(second, vault)
        if not before:
            yield Action("decrease", first, (market, WHOLE))
        yield Action("withdraw", first, (WHOLE,))

    def _attack_thin(self) -> Iterator[Action]:
        """Go to the edge, wait for funding, push over the edge, liquidate one's own, take the push back."""
        first, second = self._pair()
        market, side = self._market(), self.random.choice((1, -1))
        yield Action("deposit", first, (first, self._all(first)))
        yield Action("increase_most", first, (market, side * WHOLE))
        yield Action("withdraw", first, (WHOLE,))
        yield Action("deposit", second, (second, self._all(second)))
        yield Action("wait", KEEPER, (self.random.choice(WAITS),))
        yield Action("increase_most", second, (market, -side * self.random.choice(SHARES)))
        if self.moving:
            yield Action("price", KEEPER, (market, -side * self.random.choice((30, 100, 300, 700))))
        elif self.player.history.draw.dishonest_reporters:  # doubt makes formulas ask for more
            yield Action("report", 0, (market, self.random.choice((*SMALL_MOVES, 200, 500)), 0))
        for _ in range(self.random.choice((1, 2))):
            yield Action("liquidate", second, (first, market))
        yield Action("decrease", second, (market, WHOLE))

    def _attack_tips(self) -> Iterator[Action]:
        """Open the smallest pairs there are, thinly, and liquidate each; step by step if prices move."""
        first, second = self._pair()
        market = self._market()
        least = float(self.player.history.draw.word("min_position_notional"))
        size = int((least + 1.0) * 1.01 * WAD) * WAD // self.world.index(market)
        units = int(max(least, 10.0) * self.random.choice((0.02, 0.05, 0.2, 0.5)) * TOKEN_UNIT)
        for actor, side in ((first, 1), (second, -1)):
            yield Action("deposit", actor, (actor, units))
            yield Action("increase", actor, (market, side * size))
            yield Action("withdraw", actor, (WHOLE,))
        yield Action("wait", KEEPER, (self.random.choice((1, 12, 60)),))
        # In steps, so that one of the two is found below maintenance while it still can pay a fee.
        step = self.random.choice((-1, 1)) * self.random.choice((20, 60, 150))
        for _ in range(6 if self.moving else 1):
            if self.moving:
                yield Action("price", KEEPER, (market, step))
                yield Action("wait", KEEPER, (60,))
            for actor, other in ((first, second), (second, first)):
                yield Action("liquidate", actor, (other, market))

    def _attack_inflate(self) -> Iterator[Action]:
        """Own an almost empty vault, send it tokens, let somebody enter, leave."""
        first = self._member()
        vault = self.random.choice(list(VAULTS))
        yield from self._out_of(first, vault)
        yield Action("enter", first, (vault, self.random.choice((1, 2, TOKEN_UNIT))))
        yield Action("donate", first, (vault, self.random.choice((1, TOKEN_UNIT, 1_000 * TOKEN_UNIT))))
        victim = LP if vault == "pool" else BACKER
        yield Action("enter", victim, (vault, self._amount(victim)))
        yield from self._out_of(first, vault)

    def _attack_dodge(self) -> Iterator[Action]:
        """Make a loss for a vault while being in it, and leave before it is booked."""
        third = self._member()
        vault = self.random.choice(list(VAULTS))
        yield Action("enter", third, (vault, self._all(third)))
        steps = list(self._attack_pair())
        cut = self.random.randrange(1, len(steps))
        yield from steps[:cut]
        yield from self._out_of(third, vault)
        yield from steps[cut:]

    def _attack_wash(self) -> Iterator[Action]:
        """Trade with oneself many times, as a staker or provider who gets the fees."""
        first, second = self._pair()
        market = self._market()
        yield Action("enter", second, (self.random.choice(list(VAULTS)), self._all(second)))
        yield Action("deposit", first, (first, self._all(first)))
        for _ in range(self.random.choice((2, 4))):
            yield Action("increase_most", first, (market, self.random.choice((1, -1)) * 5_000))
            yield Action("decrease", first, (market, self.random.choice((5_000, WHOLE))))
        yield Action("decrease", first, (market, WHOLE))

    def _attack_funding(self) -> Iterator[Action]:
        """Be on the side that is paid, and let the other account starve."""
        first, second = self._pair()
        market, side = self._market(), self.random.choice((1, -1))
        yield Action("deposit", first, (first, self._all(first)))
        yield Action("increase_most", first, (market, side * WHOLE))
        yield Action("deposit", second, (second, self._all(second)))
        yield Action("mirror", second, (first, market, self.random.choice((2_000, 5_000, 9_000))))
        yield Action("withdraw", first, (WHOLE,))
        for _ in range(self.random.choice((3, 6, 12))):
            yield Action("wait", KEEPER, (7_200,))
            yield Action("withdraw", second, (WHOLE,))
        yield Action("decrease", second, (market, WHOLE))

    # At moving prices

    def _attack_bankruptcy(self) -> Iterator[Action]:
        """Let thin accounts on one side go bankrupt against winners on the other."""
        market, side = self._market(), self.random.choice((1, -1))
        actors = list(self.traders)
        self.random.shuffle(actors)
        losers = actors[: max(1, len(actors) // 2)]
        for actor in actors:
            yield Action("deposit", actor, (actor, self._all(actor)))
            share = WHOLE if actor in losers else self.random.choice((500, 2_000, 5_000))
            direction = side if actor in losers else -side
            yield Action("increase_most", actor, (market, direction * share))
        if self.random.random() < 0.5:
            for actor in losers:
                yield Action("withdraw", actor, (WHOLE,))
        move = self.random.choice((50, 100, 300, 1_000, 2_000, 3_000, 5_000, 7_000))
        for _ in range(self.random.choice((1, 2, 4))):
            yield Action("wait", KEEPER, (self.random.choice((60, 300, 600)),))
            yield Action("price", KEEPER, (market, -side * move))
        winners = [actor for actor in actors if actor not in losers]
        if self.random.random() < 0.3:  # a winner walks away
            yield Action("decrease", self.random.choice(winners), (market, WHOLE))
        yield Action("sweep", KEEPER)
        if self.random.random() < 0.3:
            yield Action("decrease", self.random.choice(winners), (market, WHOLE))
        if self.random.random() < 0.5:
            yield Action("withdraw", self.random.choice(winners), (WHOLE,))
        if self.random.random() < 0.5:  # before winners have had their turn
            for actor in losers:
                yield Action("socialize", KEEPER, (actor,))
        if self.random.random() < 0.7:
            yield Action("resolve", KEEPER)
        yield Action("wait", KEEPER, (self.random.choice((60, 3_600)),))
        for actor in losers:
            yield Action("socialize", KEEPER, (actor,))

    def _attack_shield(self) -> Iterator[Action]:
        """Stand in front of a real winner with fresh accounts whose gain is nothing."""
        if len(self.members) < 3:
            yield from self._attack_bankruptcy()
            return
        market, side = self._market(), self.random.choice((1, -1))
        winner, loser, *shields = self.random.sample(self.members, len(self.members))
        yield Action("deposit", winner, (winner, self._all(winner)))
        yield Action("increase_most", winner, (market, side * 5_000))
        yield Action("deposit", loser, (loser, self._all(loser)))
        yield Action("mirror", loser, (winner, market, WHOLE))
        for _ in range(self.random.choice((1, 3, 6))):
            yield Action("wait", KEEPER, (300,))
            yield Action("price", KEEPER, (market, side * self.random.choice((300, 700, 1_500))))
        for actor in shields:
            yield Action("deposit", actor, (actor, self._all(actor)))
            yield Action("mirror", actor, (loser, market, self.random.choice((2_000, 5_000, WHOLE))))
        yield Action("wait", KEEPER, (12,))
        yield Action("price", KEEPER, (market, side * self.random.choice((5, 30))))
        yield Action("sweep", KEEPER)
        yield Action("resolve", KEEPER)
        yield Action("wait", KEEPER, (3_600,))
        yield Action("socialize", KEEPER, (loser,))

    def _attack_two_markets(self) -> Iterator[Action]:
        """Lose in one market, and have the last close in another."""
        if len(self.markets) < 2:
            yield from self._attack_bankruptcy()
            return
        big, small = self.random.sample(self.markets, 2)
        first, second = self._pair()
        side = self.random.choice((1, -1))
        for actor, direction in ((first, side), (second, -side)):
            yield Action("deposit", actor, (actor, self._all(actor)))
            yield Action("increase_most", actor, (small, direction * 500))
            yield Action("increase_most", actor, (big, direction * 9_000))
        yield Action("wait", KEEPER, (300,))
        yield Action("price", KEEPER, (big, -side * self.random.choice((2_000, 3_000, 5_000))))
        yield Action("price", KEEPER, (small, -side * 30))
        for market in self.random.sample((big, small), 2):
            yield Action("liquidate", KEEPER, (first, market))
        yield Action("resolve", KEEPER)
        yield Action("wait", KEEPER, (3_600,))
        yield Action("socialize", KEEPER, (first,))

    def _attack_hedge(self) -> Iterator[Action]:
        """Be long in one market and short in another, lose in one, and have the other closed first."""
        if len(self.markets) < 2:
            yield from self._attack_bankruptcy()
            return
        big, hedge = self.random.sample(self.markets, 2)
        first, side = self._member(), self.random.choice((1, -1))
        yield Action("deposit", first, (first, self._all(first)))
        yield Action("increase_most", first, (big, side * self.random.choice((4_000, 5_000))))
        yield Action("increase_most", first, (hedge, -side * self.random.choice((5_000, 9_000, WHOLE))))
        yield Action("withdraw", first, (WHOLE,))
        for _ in range(self.random.choice((2, 4))):
            yield Action("wait", KEEPER, (300,))
            yield Action("price", KEEPER, (big, -side * self.random.choice((30, 100, 300, 700))))
            yield Action("liquidate", KEEPER, (first, hedge))
        yield Action("sweep", KEEPER)

    def _attack_doubt(self) -> Iterator[Action]:
        """Act while the price is in doubt, because one source lies or because all are silent."""
        first, second = self._pair()
        market, side = self._market(), self.random.choice((1, -1))
        for actor in (first, second):
            yield Action("deposit", actor, (actor, self._all(actor)))
        yield Action("increase_most", first, (market, side * 5_000))
        if self.random.random() < 0.5 and self.player.history.draw.dishonest_reporters:
            yield Action("wait", KEEPER, (12,))
            yield Action("report", 0, (market, self.random.choice(LARGE_MOVES), 0))
        else:
            yield Action("silence", KEEPER, (self.random.choice((3_700, 7_200)),))
        size = WAD * WAD // self.world.index(market) * 30_000
        for actor in (second, first):
            yield Action("increase", actor, (market, side * size))
        yield Action("withdraw", first, (5_000,))
        yield Action("decrease", first, (market, self.random.choice((2_500, WHOLE))))
        yield Action("liquidate", second, (first, market))
        yield Action("price", KEEPER, (market, side * self.random.choice(SMALL_MOVES)))
        yield Action("decrease", second, (market, WHOLE))

    def _attack_front_run(self) -> Iterator[Action]:
        """Enter a vault or a position before a report that one knows of, and leave after it."""
        first, second = self._pair()
        market, side = self._market(), self.random.choice((1, -1))
        move = side * self.random.choice((100, 300, 700, 1_500))
        yield Action("deposit", first, (first, self._all(first)))
        yield Action("enter", second, ("pool", self._all(second)))
        yield Action("increase_most", first, (market, side * 9_000))
        yield Action("wait", KEEPER, (12,))
        yield Action("price", KEEPER, (market, move))
        yield from self._out_of(second, "pool")
        yield Action("decrease", first, (market, WHOLE))

    def _attack_starve(self) -> Iterator[Action]:
        """Win, take the collateral out, let funding eat the rest, and be deleveraged."""
        if len(self.members) < 3:
            yield from self._attack_bankruptcy()
            return
        market, side = self._market(), self.random.choice((1, -1))
        loser, winner, bear = self.random.sample(self.members, 3)
        for actor, direction in ((loser, side), (bear, -side)):
            yield Action("deposit", actor, (actor, self._all(actor)))
            yield Action("increase_most", actor, (market, direction * self.random.choice((1_000, 3_000))))
        yield Action("withdraw", loser, (WHOLE,))
        yield Action("wait", KEEPER, (60,))
        yield Action("price", KEEPER, (market, -side * self.random.choice((700, 1_500, 3_000))))
        # It comes when most of the fall is over, so that its gain is less than what the other owes.
        yield Action("deposit", winner, (winner, self._all(winner)))
        yield Action("mirror", winner, (loser, market, WHOLE))
        for _ in range(self.random.choice((3, 6, 10))):
            yield Action("wait", KEEPER, (3_600,))
            yield Action("price", KEEPER, (market, -side * self.random.choice((30, 100, 300))))
        yield Action("withdraw", winner, (WHOLE,))
        yield Action("wait", KEEPER, (3_600,))
        yield Action("price", KEEPER, (market, 0))
        yield Action("liquidate", KEEPER, (loser, market))
        yield Action("resolve", KEEPER)
        yield Action("wait", KEEPER, (3_600,))
        yield Action("socialize", KEEPER, (loser,))
