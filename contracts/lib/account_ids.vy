# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Account ids
@custom:contract-name account_ids
@license Apache-2.0
@author Seawall contributors
@notice An account is a number, `uint256(owner) << 96 | index`: one owner has as many as it
        likes, and whose an account is needs no register.
        Twin: `sim/reference/account_ids.py`, equal to the last bit.
"""


INDEX_BITS: constant(uint256) = 96
MAX_INDEX: constant(uint256) = 2**96 - 1


@pure
@internal
def _account_id(owner: address, index: uint256) -> uint256:
    """
    @dev An account of an owner.
    @param owner Owner.
    @param index Which of its accounts, below 2**96.
    @return uint256 Account.
    """
    assert index <= MAX_INDEX, "account_ids: index too large"
    return (convert(owner, uint256) << INDEX_BITS) | index


@pure
@internal
def _owner_of(account: uint256) -> address:
    """
    @dev Whose an account is.
    @param account Account.
    @return address Owner.
    """
    return convert(account >> INDEX_BITS, address)


@pure
@internal
def _index_of(account: uint256) -> uint256:
    """
    @dev Which of its owner's accounts an account is.
    @param account Account.
    @return uint256 Index.
    """
    return account & MAX_INDEX
