# pragma version 0.4.3
"""
@title Probe
@license Apache-2.0
@notice Shows what a contract can see and do, so that engines can be compared.
"""

interface Counter:
    def bump() -> uint256: nonpayable
    def fail(reason: String[32]): nonpayable

event Seen:
    who: indexed(address)
    label: indexed(bytes32)
    amount: int256
    flag: bool

struct Row:
    a: uint256
    b: int256

OWNER: immutable(address)
count: public(uint256)
sums: public(HashMap[address, uint256])
guard: transient(uint256)
proxies: public(DynArray[address, 8])


@deploy
def __init__(start: uint256):
    assert start > 0, "probe: start"
    OWNER = msg.sender
    self.count = start


@view
@external
def owner() -> address:
    return OWNER


@view
@external
def environment() -> (uint256, uint256, bytes32, address, uint256, uint256, uint256, uint256):
    return (
        block.number, block.timestamp, block.prevrandao, block.coinbase, block.gaslimit, block.basefee, chain.id,
        tx.gasprice,
    )


@external
def bump() -> uint256:
    self.guard += 1
    assert self.guard == 1, "probe: second call in one transaction"
    self.count += 1
    return self.count


@external
def store(amount: uint256):
    self.sums[msg.sender] += amount
    log Seen(who=msg.sender, label=keccak256("store"), amount=-convert(amount, int256), flag=True)


@external
def fail(reason: String[32]):
    self.count = 99
    raise reason


@external
def overflow(amount: uint256) -> uint256:
    return max_value(uint256) + amount


@external
def unreachable():
    raise UNREACHABLE


@external
def burn():
    for i: uint256 in range(100_000_000):
        self.count += 1


@external
def nested(amount: uint256) -> bool:
    log Seen(who=self, label=empty(bytes32), amount=1, flag=False)
    self.sums[self] += amount
    success: bool = raw_call(
        self, abi_encode("inner", method_id=method_id("fail(string)")), revert_on_failure=False
    )
    return success


@external
def spawn() -> address:
    made: address = create_minimal_proxy_to(self)
    self.proxies.append(made)
    return made


@view
@external
def rows(n: uint256) -> DynArray[Row, 16]:
    out: DynArray[Row, 16] = []
    for i: uint256 in range(n, bound=16):
        out.append(Row(a=i * 10**30, b=-convert(i, int256) * 10**20))
    return out


@view
@external
def echo(values: DynArray[uint256, 8], who: address, others: DynArray[address, 8]) -> DynArray[uint256, 8]:
    assert len(others) == len(values), "probe: lengths"
    return values


@view
@external
def label(size: uint256) -> String[8]:
    return slice("abcdefgh", 0, size)
