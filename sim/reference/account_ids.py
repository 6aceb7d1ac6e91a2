"""Account ids, bit-exact twin of ``contracts/lib/account_ids.vy``.

An account is ``owner << 96 | index``: one owner has as many as it likes, and whose an account is needs no
register.
"""

INDEX_BITS = 96
MAX_INDEX = (1 << INDEX_BITS) - 1
MAX_OWNER = (1 << 160) - 1


def account_id(owner: int, index: int = 0) -> int:
    """Return an account of an owner.

    Parameters
    ----------
    owner
        Address as a number.
    index
        Which of the owner's accounts, below 2**96.

    Raises
    ------
    OverflowError
        The owner is no address or the index is too large.
    """
    if not 0 <= owner <= MAX_OWNER:
        raise OverflowError(f"owner must be an address, was {owner}")
    if not 0 <= index <= MAX_INDEX:
        raise OverflowError(f"index must be below 2**{INDEX_BITS}, was {index}")
    return owner << INDEX_BITS | index


def owner_of(account: int) -> int:
    """Return whose an account is, an address as a number."""
    return account >> INDEX_BITS


def index_of(account: int) -> int:
    """Return which of its owner's accounts an account is."""
    return account & MAX_INDEX
