# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Oracle sources
@custom:contract-name oracle_sources
@license Apache-2.0
@author Seawall contributors
@notice Who may report a price, what each source said last, and what the fresh say together.
@dev One word of storage per report and one per asset for all its sources' weights and
     heartbeats, so that a report costs one write and one read per source.

     The sources of an asset lie side by side: the last one takes the place of one that is
     removed, whose report goes with it.
"""

from ..interfaces import IPriceOracle
from ..lib import constants
from ..lib import oracle_math
from . import access
from . import oracle_parameters
uses: access
uses: oracle_parameters


# What a source said last.
struct SourceReport:
    weight: uint256
    heartbeat_seconds: uint256
    price: uint256
    confidence: uint256
    published_at: uint256


# What the fresh sources say together.
struct Aggregate:
    count: uint256  # fresh sources
    heard: uint256  # of these, who reported since the last observation
    index_price: uint256
    confidence: uint256
    minimum_until: uint256  # last second at which `minimum_sources` of them are fresh
    valid_until: uint256  # last second at which `valid_sources` of them are fresh


# Word of a source: 12 bits of weight above 24 bits of heartbeat, 7 sources in one slot.
SOURCE_BITS: constant(uint256) = 36
SOURCE_MASK: constant(uint256) = 2**36 - 1
HEARTBEAT_BITS: constant(uint256) = 24
HEARTBEAT_MASK: constant(uint256) = 2**24 - 1
MAX_WEIGHT: constant(uint256) = 2**12 - 1
COUNT_BIT: constant(uint256) = 252
# Word of a report: 96 bits of price, 96 of confidence, 32 of arrival, 32 of publication.
VALUE_MASK: constant(uint256) = 2**96 - 1
TIME_MASK: constant(uint256) = 2**32 - 1
# So many others who stand by the index refuse a jump of unit: one of them may be dishonest.
STANDING: constant(uint256) = 2
# Validity ends are packed into 32 bits.
MAX_TIME: constant(uint256) = 2**32 - 1


# @dev Number of listed assets; ids are 0 to this minus one.
asset_count: public(reentrant(uint256))
# @dev asset -> packed weights and heartbeats, number of sources in the top 4 bits.
_sources: uint256[constants.MAX_MARKETS]
# @dev asset -> reporter -> position among the asset's sources plus one.
_positions: HashMap[uint256, HashMap[address, uint256]]
# @dev asset -> position -> address. Read by nobody who reports.
_reporters: address[constants.MAX_REPORTERS][constants.MAX_MARKETS]
# @dev asset -> position -> packed last report.
_reports: uint256[constants.MAX_REPORTERS][constants.MAX_MARKETS]


@external
def add_reporter(asset: uint256, reporter: address, weight: uint256, heartbeat_seconds: uint256):
    """
    @notice Lets an address report the price of an asset. Owner only.
    @param asset Asset id.
    @param reporter Address that reports.
    @param weight Weight in the median, 1 to 4095.
    @param heartbeat_seconds Longest time it may stay silent.
    """
    access._check_owner()
    assert asset < self.asset_count, "oracle: unknown asset"
    assert reporter != empty(address), "oracle: zero reporter"
    assert self._positions[asset][reporter] == 0, "oracle: reporter exists"
    self._check_terms(weight, heartbeat_seconds)

    word: uint256 = self._sources[asset]
    count: uint256 = word >> COUNT_BIT
    assert count < constants.MAX_REPORTERS, "oracle: too many reporters"
    source: uint256 = (weight << HEARTBEAT_BITS) | heartbeat_seconds
    self._sources[asset] = (word + (1 << COUNT_BIT)) | (source << (count * SOURCE_BITS))
    self._positions[asset][reporter] = count + 1
    self._reporters[asset][count] = reporter
    log IPriceOracle.ReporterAdded(
        asset=asset, reporter=reporter, weight=weight, heartbeat_seconds=heartbeat_seconds
    )


@view
@external
@reentrant
def source_report(asset: uint256, reporter: address) -> SourceReport:
    """
    @notice What a reporter said last.
    @param asset Asset id.
    @param reporter Address that reports.
    @return SourceReport All zero if it is not a reporter of the asset.
    """
    position: uint256 = self._positions[asset][reporter]
    if position == 0:
        return empty(SourceReport)
    position -= 1
    source: uint256 = (self._sources[asset] >> (position * SOURCE_BITS)) & SOURCE_MASK
    word: uint256 = self._reports[asset][position]
    return SourceReport(
        weight=source >> HEARTBEAT_BITS,
        heartbeat_seconds=source & HEARTBEAT_MASK,
        price=word >> 160,
        confidence=(word >> 64) & VALUE_MASK,
        published_at=word & TIME_MASK,
    )


@view
@external
@reentrant
def reporters(asset: uint256) -> DynArray[address, constants.MAX_REPORTERS]:
    """
    @notice Who may report the price of an asset.
    @param asset Asset id.
    @return DynArray Addresses, in no order that lasts; empty for an asset that is not listed.
    """
    result: DynArray[address, constants.MAX_REPORTERS] = []
    if asset < self.asset_count:
        for i: uint256 in range(self._sources[asset] >> COUNT_BIT, bound=constants.MAX_REPORTERS):
            result.append(self._reporters[asset][i])
    return result


@internal
def _remove(asset: uint256, reporter: address):
    """
    @dev Forgets a reporter and its report. As many as VALID needs must be left: with fewer the
         asset could never be valid again until somebody is added, which takes long.
    @param asset Asset id.
    @param reporter Address that reports.
    """
    place: uint256 = self._place(asset, reporter)
    word: uint256 = self._sources[asset]
    last: uint256 = (word >> COUNT_BIT) - 1
    assert last >= oracle_parameters.PARAMETERS.valid_sources, "oracle: too few reporters left"
    moved: uint256 = (word >> (last * SOURCE_BITS)) & SOURCE_MASK
    word = self._with_source(word, last, 0) - (1 << COUNT_BIT)
    self._positions[asset][reporter] = 0
    if place != last:
        heir: address = self._reporters[asset][last]
        word = self._with_source(word, place, moved)
        self._positions[asset][heir] = place + 1
        self._reporters[asset][place] = heir
        self._reports[asset][place] = self._reports[asset][last]
    self._sources[asset] = word
    self._reporters[asset][last] = empty(address)
    self._reports[asset][last] = 0
    log IPriceOracle.ReporterRemoved(asset=asset, reporter=reporter)


@internal
def _change(asset: uint256, reporter: address, weight: uint256, heartbeat_seconds: uint256):
    """
    @dev Gives a reporter another weight and heartbeat; its last report stands.
    @param asset Asset id.
    @param reporter Address that reports.
    @param weight Weight in the median, 1 to 4095.
    @param heartbeat_seconds Longest time it may stay silent.
    """
    place: uint256 = self._place(asset, reporter)
    self._check_terms(weight, heartbeat_seconds)
    source: uint256 = (weight << HEARTBEAT_BITS) | heartbeat_seconds
    self._sources[asset] = self._with_source(self._sources[asset], place, source)
    log IPriceOracle.ReporterChanged(
        asset=asset, reporter=reporter, weight=weight, heartbeat_seconds=heartbeat_seconds
    )


@view
@internal
def _place(asset: uint256, reporter: address) -> uint256:
    """
    @dev Where a reporter lies among an asset's.
    @param asset Asset id.
    @param reporter Address that reports.
    @return uint256 Position, from 0.
    """
    assert asset < self.asset_count, "oracle: unknown asset"
    return self._position_of(asset, reporter)


@view
@internal
def _position_of(asset: uint256, reporter: address) -> uint256:
    """
    @dev Where a reporter lies among an asset's; an asset that is not listed has none.
    @param asset Asset id.
    @param reporter Address that reports.
    @return uint256 Position, from 0.
    """
    position: uint256 = self._positions[asset][reporter]
    assert position != 0, "oracle: not a reporter"
    return unsafe_sub(position, 1)


@pure
@internal
def _with_source(word: uint256, place: uint256, source: uint256) -> uint256:
    """
    @dev The word of all sources with one of them replaced.
    @param word Word of all sources.
    @param place Which of them.
    @param source Its weight and heartbeat.
    @return uint256 Word.
    """
    low_bit: uint256 = place * SOURCE_BITS
    return (word & ~(SOURCE_MASK << low_bit)) | (source << low_bit)


@view
@internal
def _check_terms(weight: uint256, heartbeat_seconds: uint256):
    """
    @dev Guarantees that a source's weight and heartbeat can be computed with.
    @param weight Weight in the median.
    @param heartbeat_seconds Longest time it may stay silent.
    """
    assert weight > 0, "oracle: zero weight"
    assert weight <= MAX_WEIGHT, "oracle: weight too large"
    assert heartbeat_seconds > 0, "oracle: zero heartbeat"
    assert heartbeat_seconds < oracle_parameters.TIME_LIMIT, "oracle: heartbeat too long"


@internal
def _list_asset() -> uint256:
    """
    @dev Takes the next asset id.
    @return uint256 The new asset's id.
    """
    asset: uint256 = self.asset_count
    assert asset < constants.MAX_MARKETS, "oracle: too many assets"
    self.asset_count = asset + 1
    return asset


@internal
def _record(
    asset: uint256,
    position: uint256,
    price: uint256,
    confidence: uint256,
    published_at: uint256,
    index_price: uint256,
):
    """
    @dev Stores a source's report, or reverts with the reason it is refused.
    @param asset Asset id.
    @param position Position of the source.
    @param price Price (WAD).
    @param confidence Half-width (WAD quote).
    @param published_at When the price was observed.
    @param index_price Index now (WAD).
    """
    # CHECKS
    assert price != 0, "oracle: zero price"
    assert price > oracle_parameters.PARAMETERS.min_price, "oracle: price at minimum"
    assert price < oracle_parameters.PARAMETERS.max_price, "oracle: price at maximum"
    assert confidence <= price, "oracle: confidence too wide"
    assert unsafe_mul(confidence, constants.WAD) <= unsafe_mul(
        price, oracle_parameters.PARAMETERS.max_source_confidence_ratio
    ), "oracle: confidence too wide"
    assert published_at <= block.timestamp, "oracle: published in the future"
    assert published_at > self._reports[asset][position] & TIME_MASK, "oracle: not newer"
    source: uint256 = self._sources[asset] >> unsafe_mul(position, SOURCE_BITS)
    assert unsafe_add(
        unsafe_add(published_at, source & HEARTBEAT_MASK),
        oracle_parameters.PARAMETERS.heartbeat_grace_seconds,
    ) >= block.timestamp, "oracle: published too long ago"
    if oracle_math._unit_jump(price, index_price) != 0:
        self._check_unit(asset, position, index_price)

    # EFFECTS
    self._reports[asset][position] = (
        (price << 160) | (confidence << 64) | (block.timestamp << 32) | published_at
    )


@view
@internal
def _check_unit(asset: uint256, position: uint256, index_price: uint256):
    """
    @dev Guarantees that not enough others stand by the index for a report that is off it by a
         power of ten to be a mistake of its source alone. Once their reports are no longer
         fresh, a jump that all sources agree on comes through.
    @param asset Asset id.
    @param position Position of the source.
    @param index_price Index now (WAD).
    """
    grace: uint256 = oracle_parameters.PARAMETERS.heartbeat_grace_seconds
    sources: uint256 = self._sources[asset]
    count: uint256 = sources >> COUNT_BIT
    standing: uint256 = 0
    for i: uint256 in range(count, bound=constants.MAX_REPORTERS):
        word: uint256 = self._reports[asset][i]
        heartbeat: uint256 = (sources >> unsafe_mul(i, SOURCE_BITS)) & HEARTBEAT_MASK
        end: uint256 = unsafe_add(unsafe_add(word & TIME_MASK, heartbeat), grace)
        if i == position or word == 0 or end < block.timestamp:
            continue
        if oracle_math._unit_jump(word >> 160, index_price) == 0:
            standing = unsafe_add(standing, 1)
    assert (
        standing < min(STANDING, max(unsafe_sub(count, 1), 1))
    ), "oracle: price off by a power of ten"


@view
@internal
def _aggregate(asset: uint256, index_price: uint256, observed_at: uint256) -> Aggregate:
    """
    @dev What the sources that are fresh now say; only the count if they are too few.
    @param asset Asset id.
    @param index_price Last index (WAD).
    @param observed_at Time of the last observation.
    @return Aggregate Index, confidence, and how long enough sources stay fresh.
    """
    grace: uint256 = oracle_parameters.PARAMETERS.heartbeat_grace_seconds
    prices: uint256[constants.MAX_REPORTERS] = empty(uint256[constants.MAX_REPORTERS])
    weights: uint256[constants.MAX_REPORTERS] = empty(uint256[constants.MAX_REPORTERS])
    confidences: uint256[constants.MAX_REPORTERS] = empty(uint256[constants.MAX_REPORTERS])
    ends: uint256[constants.MAX_REPORTERS] = empty(uint256[constants.MAX_REPORTERS])
    count: uint256 = 0
    heard: uint256 = 0

    sources: uint256 = self._sources[asset]
    for i: uint256 in range(sources >> COUNT_BIT, bound=constants.MAX_REPORTERS):
        word: uint256 = self._reports[asset][i]
        source: uint256 = (sources >> unsafe_mul(i, SOURCE_BITS)) & SOURCE_MASK
        end: uint256 = unsafe_add(unsafe_add(word & TIME_MASK, source & HEARTBEAT_MASK), grace)
        # A source that never reported has end = heartbeat + grace, long ago; its price of
        # zero is checked all the same, for clocks that start near zero.
        if end < block.timestamp or word == 0:
            continue
        prices[count] = word >> 160
        weights[count] = source >> HEARTBEAT_BITS
        confidences[count] = (word >> 64) & VALUE_MASK
        ends[count] = min(end, MAX_TIME)
        count = unsafe_add(count, 1)
        if (word >> 32) & TIME_MASK > observed_at:
            heard = unsafe_add(heard, 1)

    result: Aggregate = empty(Aggregate)
    result.count = count
    result.heard = heard
    if count < oracle_parameters.PARAMETERS.minimum_sources:
        return result
    result.index_price, result.confidence = oracle_math._aggregate(
        prices, weights, confidences, count, index_price
    )
    ends = oracle_math._sorted(ends, count)
    result.minimum_until = ends[unsafe_sub(count, oracle_parameters.PARAMETERS.minimum_sources)]
    if count >= oracle_parameters.PARAMETERS.valid_sources:
        result.valid_until = ends[unsafe_sub(count, oracle_parameters.PARAMETERS.valid_sources)]
    return result
