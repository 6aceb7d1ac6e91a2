"""Participants: traders, whales, liquidators, oracle keepers, arbitrageurs, liquidity providers.

Each reads one frozen :class:`sim.protocol.state.State` a block and answers with columnar batches
of actions; nobody writes to the chain. What came of them is reported back as an
:class:`sim.agents.base.Outcome`.
"""
