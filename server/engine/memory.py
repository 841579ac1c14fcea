"""The cache's memory tier: results as they are, the least recently used out first. Knows no disk and no lock."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Mapping
from dataclasses import dataclass

from server.engine.keys import Key


@dataclass(frozen=True, slots=True)
class MemoryEntry:
    """A node's outputs in memory.

    Attributes:
        outputs: By name.
        size_bytes: What they hold.
        stamps: Times of change of the artifacts among them, by output name.
    """

    outputs: Mapping[str, object]
    size_bytes: int
    stamps: Mapping[str, int]


class MemoryTier:
    """Keeps entries within a byte budget; only pinned ones may exceed it."""

    def __init__(self, budget_bytes: int, pinned: Container[Key]) -> None:
        self._budget = budget_bytes
        self._pinned = pinned
        self._entries: OrderedDict[Key, MemoryEntry] = OrderedDict()
        self.size_bytes = 0

    def __contains__(self, key: Key) -> bool:
        return key in self._entries

    def get(self, key: Key) -> MemoryEntry | None:
        """Return an entry and count it as used."""
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: Key, entry: MemoryEntry) -> bool:
        """Keep an entry, and return whether there was room for it."""
        self.drop(key)
        if entry.size_bytes > self._budget and key not in self._pinned:
            return False
        self._entries[key] = entry
        self.size_bytes += entry.size_bytes
        self.trim()
        return key in self._entries

    def drop(self, key: Key) -> None:
        """Forget an entry, if it is there."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.size_bytes -= entry.size_bytes

    def clear(self) -> None:
        """Forget everything that is not pinned."""
        for key in list(self._entries):
            if key not in self._pinned:
                self.drop(key)

    def trim(self) -> None:
        """Forget what was used longest ago until the budget holds."""
        if self.size_bytes <= self._budget:
            return
        for key in list(self._entries):
            if key not in self._pinned:
                self.drop(key)
                if self.size_bytes <= self._budget:
                    return
