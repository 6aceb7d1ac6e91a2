"""Moves with other collateral and over declared clusters: a part of ``moves``, for worlds that have them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from sim.core.units import QUANTUM, TOKEN_UNIT
from tests.support.economic.history import WHOLE, Action
from tests.support.economic.play import Player
from tests.support.economic.verbs import KEEPER, World

SHARES: Final = (100, 1_000, 2_500, 5_000, 7_500, 9_000, 9_900, WHOLE)
OF_A_RESERVE: Final = (10, 1_000, 3_000, WHOLE, WHOLE)
ASSET_WAITS: Final = (1, 12, 60, 3_600)
MANY_SALES: Final = (1, 4, 12)
MOST_SALES: Final = 40


class AssetMoves:
    """Draws actions with assets; each may find that there is nothing to do."""

    player: Player
    world: World
    random: random.Random
    members: list[int]
    moving: bool

    def _asset(self) -> int:
        return self.random.randrange(self.world.others.count)

    def _one(self) -> int:
        return self.random.choice(self.members)

    # Ordinary behaviour

    def _deposit_asset(self) -> Action | None:
        """Give an own account a part of what one has, or anybody's account one unit."""
        others, asset, actor = self.world.others, self._asset(), self._one()
        account = actor if self.random.random() < 0.7 else self._one()
        share = self.random.choice((0, *SHARES))
        units = others.wallet(actor, asset) * share // WHOLE if share else 1
        if not units or others.would_deposit(actor, account, asset, units) is not None:
            return None
        return Action("deposit_asset", actor, (account, asset, share))

    def _withdraw_asset(self) -> Action | None:
        others = self.world.others
        held = [
            (member, asset)
            for member in self.members
            for asset in range(others.count)
            if others.balance(member, asset) and others.would_withdraw(member, asset, 1) is None
        ]
        if not held:
            return None
        member, asset = self.random.choice(held)
        return Action("withdraw_asset", member, (asset, self.random.choice(SHARES)))

    def _swap(self) -> Action | None:
        actor, asset = self._one(), self._asset()
        share = self.random.choice((1, -1)) * self.random.choice(OF_A_RESERVE)
        has = self.world.others.wallet(actor, asset) if share > 0 else self.world.wallet(actor)
        return Action("swap", actor, (asset, share)) if has > TOKEN_UNIT else None

    def _arbitrage(self) -> Action | None:
        asset, actor = self._asset(), self._one()
        is_sale, wanted = self.world.others.to_fair(asset)
        has = self.world.others.wallet(actor, asset) if is_sale else self.world.wallet(actor)
        return Action("arbitrage", actor, (asset,)) if min(wanted, has) > TOKEN_UNIT else None

    def _sell_collateral(self) -> Action | None:
        debtors = [
            account
            for account in self.members
            if self._owes(account) and self.world.others.would_sell(KEEPER, account) is None
        ]
        if not debtors:
            return None
        return Action("sell_collateral", self.random.choice((KEEPER, self._one())), (debtors[0],))

    def _owes(self, account: int) -> bool:
        return self.world.collateral(account) < 0 or self.world.others.lien(account) > 0

    def _refresh_secured(self) -> Action:
        return Action("refresh_secured", self._one(), (self._one(),))

    def _repay_lien(self) -> Action | None:
        debtors = [member for member in self.members if self.world.others.lien(member)]
        payer = max(self.members, key=self.world.wallet)
        if not debtors or self.world.wallet(payer) < TOKEN_UNIT:
            return None
        return Action("repay_lien", payer, (self.random.choice(debtors), self.random.choice(SHARES)))

    def _report_asset(self) -> Action | None:
        """A dishonest reporter says something else of an asset."""
        if not self.player.history.draw.dishonest_reporters:
            return None
        change = self.random.choice((-3_000, -300, 0, 30, 1_500))
        return Action("report_asset", 0, (self._asset(), change, self.random.choice((0, 50, 900))))

    def _price_asset(self) -> Action:
        change = self.random.choice((-3_000, -700, -100, -30, 30, 100, 300, 1_500))
        return Action("price_asset", KEEPER, (self._asset(), change))

    # What is refused

    def _hostile_withdraw_asset(self) -> Action:
        """Take out more than there is, or what is not listed."""
        others, actor, asset = self.world.others, self._one(), self._asset()
        if self.random.random() < 0.3:
            return Action("withdraw_asset_units", actor, (others.count, 1))
        return Action("withdraw_asset_units", actor, (asset, others.balance(actor, asset) + 1))

    def _hostile_sell_collateral(self) -> Action:
        """Sell what an account has that owes nothing, or has nothing."""
        calm = [account for account in self.members if not self._owes(account)]
        return Action("sell_collateral", self._one(), (self.random.choice(calm or [KEEPER]),))

    def _hostile_asset(self) -> Action:
        return Action("forbidden_asset", self._one(), (self._asset(),))

    # Known attacks

    def _part_for_sales(self, actor: int, asset: int) -> int:
        """Return the share of a wallet that a few forced sales take, each what one time lets through."""
        others = self.world.others
        held = others.wallet(actor, asset)
        wanted = others.at_one_time(asset) * self.random.choice(MANY_SALES)
        return min(max(wanted * WHOLE // held, 1), WHOLE) if held else WHOLE

    def _steep_market(self) -> int:
        """Return a market, mostly the one whose premium goes furthest: its cost makes a debt."""
        markets = self.world.draw.markets
        if self.random.random() < 0.3:
            return self.random.randrange(len(markets))
        return max(range(len(markets)), key=lambda market: markets[market]["pricing_terms"]["max_premium"])

    def _debtor(self, first: int, second: int, asset: int) -> Iterator[Action]:
        """Let one account lose to the other by the premium, with an asset for most of its collateral."""
        draw, world = self.random, self.world
        market, side = self._steep_market(), draw.choice((1, -1))
        part = self._part_for_sales(first, asset)
        share = draw.choice((part, part, part, 1_000, WHOLE))
        worth = world.others.worth(asset, world.others.wallet(first, asset)) * share // WHOLE // QUANTUM
        small = max(int(worth * 10 ** draw.uniform(-6, -1)), 1)
        yield Action("deposit", first, (first, small))
        yield Action("deposit_asset", first, (first, asset, share))
        yield Action("increase_most", first, (market, side * draw.choice((5_000, WHOLE, WHOLE))))
        if draw.random() < 0.5:  # so that a loss is a debt at once
            yield Action("withdraw", first, (WHOLE,))
        yield Action("deposit", second, (second, int(world.wallet(second) * draw.choice((0.1, 0.9)))))
        if draw.random() < 0.5:
            yield Action("mirror", second, (first, market, WHOLE))
        else:
            yield Action("increase_most", second, (market, -side * WHOLE))
        yield Action("decrease", first, (market, WHOLE))
        if draw.random() < 0.7:
            yield Action("decrease", second, (market, WHOLE))
            yield Action("withdraw", second, (WHOLE,))

    def _attack_push(self) -> Iterator[Action]:
        """Push a pool down, or up, have an own debtor's collateral sold there, and take the push back."""
        if not self.world.others.count or len(self.members) < 2:
            return
        draw, asset = self.random, self._asset()
        first, second = draw.sample(self.members, 2)
        third = draw.choice([member for member in self.members if member != first])
        push = Action("swap", third, (asset, draw.choice((1, 1, 1, 1, -1)) * draw.choice(OF_A_RESERVE)))
        pushes = [push] * draw.choice((1, 2, 3))
        before, again = draw.random() < 0.3, draw.random() < 0.1
        if before:
            yield from pushes
        yield from self._debtor(first, second, asset)
        if not before:
            yield from pushes
        for _ in range(draw.choice((1, MOST_SALES, MOST_SALES))):
            refused = self.world.others.would_sell(third, first)
            yield Action("sell_collateral", draw.choice((second, third)), (first,))
            if not self._owes(first) or (refused and not again):
                break
            if again:
                yield Action("arbitrage", third, (asset,))
                yield from pushes
            yield Action("wait", KEEPER, (draw.choice((1, 12)),))
        yield Action("arbitrage", third, (asset,))
        yield Action("withdraw_asset", first, (asset, WHOLE))

    def _attack_behind_lien(self) -> Iterator[Action]:
        """Leave a debt beside assets until others have paid it, keep the gain, free the assets.

        Who is in a vault by the time they are freed gets what others have paid before.
        """
        if not self.world.others.count or len(self.members) < 2:
            return
        draw, asset = self.random, self._asset()
        first, second = draw.sample(self.members, 2)
        yield from self._debtor(first, second, asset)
        window = int(self.world.draw.assets[asset]["terms"]["sale_window_seconds"])
        yield Action("wait", KEEPER, (min(draw.choice((1, window, window + 1)), 90_000) or 1,))
        steps = [
            Action("cover", second, (first,)),
            Action("refresh_secured", second, (first,)),
            Action("socialize", second, (first,)),
            Action("deposit_asset", second, (first, asset, draw.choice((0, 100)))),
            Action("deposit", second, (first, TOKEN_UNIT)),
        ]
        yield from draw.sample(steps, draw.randint(1, len(steps)))
        if draw.random() < 0.4:  # into another debt with the lien there
            yield from self._debtor(first, second, asset)
        yield Action("withdraw", second, (WHOLE,))
        if draw.random() < 0.5:
            third = draw.choice([member for member in self.members if member != first])
            vault = draw.choice(("fund", "fund", "pool"))
            yield Action("enter", third, (vault, int(self.world.wallet(third) * draw.choice((0.1, 0.5)))))
        yield Action("repay_lien", second, (first, draw.choice((1, 5_000, WHOLE))))
        yield Action("sell_collateral", second, (first,))
        yield Action("withdraw_asset", first, (asset, WHOLE))

    def _attack_across_cap(self) -> Iterator[Action]:
        """Fill an asset's cap, count on it, take it out under a position, and let others in."""
        if not self.world.others.count or len(self.members) < 2:
            return
        draw, asset = self.random, self._asset()
        first, second = draw.sample(self.members, 2)
        market, side = draw.randrange(len(self.world.prices)), draw.choice((1, -1))
        yield Action("deposit", first, (first, int(self.world.wallet(first) * draw.choice((0.01, 0.3)))))
        for share in draw.sample(SHARES, 3):
            yield Action("deposit_asset", first, (first, asset, share))
        yield Action("increase_most", first, (market, side * draw.choice((5_000, WHOLE))))
        yield Action("deposit_asset", second, (second, asset, WHOLE))
        yield Action("withdraw_asset", first, (asset, draw.choice((5_000, WHOLE))))
        yield Action("deposit_asset", second, (draw.choice((first, second)), asset, WHOLE))
        yield Action("withdraw", first, (WHOLE,))
        yield Action("wait", KEEPER, (draw.choice(ASSET_WAITS),))
        yield Action("decrease", first, (market, WHOLE))
        yield Action("withdraw_asset", first, (asset, WHOLE))

    def _attack_split(self) -> Iterator[Action]:
        """Split a position over accounts, linked or not, pair it with one of another, close in any order."""
        draw, world = self.random, self.world
        if len(self.members) < 3:
            return
        market, side = draw.randrange(len(world.prices)), draw.choice((1, -1))
        whole, *parts = draw.sample(self.members, len(self.members))
        for part in parts:
            yield Action("deposit", part, (part, int(world.wallet(part) * draw.choice((0.01, 0.3)))))
            if world.others.count and draw.random() < 0.5:
                yield Action("deposit_asset", part, (part, self._asset(), draw.choice(SHARES)))
            yield Action("increase_most", part, (market, side * draw.choice((2_500, 9_900, WHOLE))))
        yield Action("deposit", whole, (whole, int(world.wallet(whole) * 0.9)))
        yield Action("increase_most", whole, (market, -side * draw.choice((5_000, WHOLE))))
        for part in draw.sample(parts, len(parts)):
            yield Action("withdraw", part, (WHOLE,))
        if draw.random() < 0.5:
            yield Action("wait", KEEPER, (draw.choice(ASSET_WAITS),))
        for member in draw.sample(self.members, len(self.members)):
            yield Action("decrease", member, (market, WHOLE))
