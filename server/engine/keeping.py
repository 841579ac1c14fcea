"""Which streams are copied to disk while they pass: those that cost more to make again than to keep. See decision 5."""

from __future__ import annotations

from dataclasses import dataclass, replace

from server.kit.definition import Uses

SMALL_BYTES = 256 * 2**20
"""A copy up to this size costs less than half a second; most clips that a model makes are smaller."""

SLOW_S = 1.0
"""A node that took longer in earlier runs makes streams worth a small copy."""

CHEAP_BYTES_PER_S = 16 * 2**20
"""A large stream that is made faster than this is made again rather than kept: disks read some ten times as fast."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """What is known of a stream before it passes.

    Attributes:
        consumers: How many links lead away from its node.
        requested: The run was asked for it.
        feeds_sink: A sink consumes it, so that the sink's settings alone may change next time.
        lasting: Its node's result may be kept beyond the run.
        uses: The resource of its node.
        stored_bytes: Size of a copy, if known.
        room_bytes: What the disk and the cache's budget leave for it.
        remake_s: Seconds to make it once more from what is kept, going by earlier runs; None when there were none.
        seconds_before: Seconds that its node took in earlier runs; 0 when there were none.
    """

    consumers: int
    requested: bool
    feeds_sink: bool
    lasting: bool
    uses: Uses
    stored_bytes: int | None
    room_bytes: int
    remake_s: float | None
    seconds_before: float

    @property
    def fits(self) -> bool:
        """Whether there is room for a copy, as far as is known."""
        return self.stored_bytes is None or self.stored_bytes <= self.room_bytes

    @property
    def is_needed(self) -> bool:
        """Whether without a copy the producer runs more than once, or what was asked for is lost."""
        return self.consumers > 1 or (self.requested and self.lasting)

    @property
    def is_unsure(self) -> bool:
        """Whether only the passing stream will tell if a copy pays, since its node is new: it is copied meanwhile."""
        if self.is_wanted or not self.lasting:
            return False
        is_large = self.stored_bytes is not None and self.stored_bytes > SMALL_BYTES
        return self.remake_s is None if is_large else self.seconds_before == 0

    def measured(self, size_bytes: int, own_s: float, above_s: float) -> Prospect:
        """Return this with what its passing has told: its size, and the seconds of its node and of those above."""
        return replace(self, stored_bytes=size_bytes, seconds_before=own_s, remake_s=own_s + above_s)

    @property
    def is_wanted(self) -> bool:
        """Whether a copy pays, room or not."""
        return self.is_needed or (self.lasting and self._is_worth_its_bytes())

    def _is_worth_its_bytes(self) -> bool:
        costly = self.uses != "cpu"
        if self.stored_bytes is None:
            return costly or self.seconds_before > SLOW_S
        if self.stored_bytes <= SMALL_BYTES:
            return costly or self.feeds_sink or self.seconds_before > SLOW_S
        if self.remake_s is None:
            return costly
        return self.remake_s * CHEAP_BYTES_PER_S > self.stored_bytes
