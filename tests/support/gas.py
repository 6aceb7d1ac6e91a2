"""What a call costs on titanoboa when it is the first of a transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boa


def cold_gas(contract: Any, call: Callable[[], object]) -> int:
    """Return the gas of a call, without the intrinsic part, when nothing that it touches is warm.

    Titanoboa keeps warm what any call has touched before. Its own reset breaks a surrounding anchor.

    Parameters
    ----------
    contract
        That is called.
    call
        The call.
    """
    accounts = boa.env.evm.vm.state._account_db
    kept = accounts._journal_accessed_state
    accounts._reset_access_counters()
    try:
        call()
        return int(contract._computation.get_gas_used())
    finally:
        accounts._journal_accessed_state = kept
