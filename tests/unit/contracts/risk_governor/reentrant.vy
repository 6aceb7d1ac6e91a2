# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title A guardian that calls the governor back while the governor calls it
@license Apache-2.0
"""

governor: public(address)
has_paused: public(bool)


@deploy
def __init__(governor: address):
    self.governor = governor


@external
def called():
    self.has_paused = raw_call(self.governor, method_id("pause()"), revert_on_failure=False)
