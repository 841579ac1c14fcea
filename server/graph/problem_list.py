"""Collects problems while a document is read: all of them, but never more than a person or a program can use."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from itertools import islice

from server.kit.problems import Problem, WorkflowError

MOST_PROBLEMS = 1000
"""A hostile document could otherwise make a problem of every few bytes."""

MOST_COMPARISONS = 100_000
"""Comparing two names takes about 3 microseconds; after so many, hints list names instead."""

MOST_NAMES = 12


class ProblemList:
    """Problems found so far; those beyond `MOST_PROBLEMS` are only counted."""

    def __init__(self) -> None:
        self.items: list[Problem] = []
        self.left_out = 0

    def add(self, path: str, code: str, message: str, hint: str = "") -> None:
        """Keep a problem, or count it when there are too many."""
        self.extend((Problem(path, code, message, hint),))

    def extend(self, problems: Sequence[Problem]) -> None:
        """Keep problems that were made elsewhere."""
        room = max(MOST_PROBLEMS - len(self.items), 0)
        self.items.extend(problems[:room])
        self.left_out += len(problems[room:])

    def result(self) -> tuple[Problem, ...]:
        """Return the problems, each once (a subgraph may be used often); the last one counts those left out, if any."""
        items = tuple(dict.fromkeys(self.items))
        if not self.left_out:
            return items
        message = f"{self.left_out} more problems are not listed"
        return (*items, Problem("", "more_problems", message, "mend those above first"))

    def stop_if_any(self) -> None:
        """End the reading when something is wrong.

        Raises:
            WorkflowError: There are problems.
        """
        if self.items:
            raise WorkflowError(self.result())


class NameHints:
    """Says which name was probably meant, within a bounded number of comparisons."""

    def __init__(self) -> None:
        self._left = MOST_COMPARISONS

    @property
    def is_spent(self) -> bool:
        """Whether names are no longer compared, so that looking for candidates is in vain."""
        return self._left <= 0

    def hint(self, name: str, names: Iterable[str], otherwise: str) -> str:
        """Return `try 'x'` for the nearest name, or a list of names.

        Args:
            name: What was written.
            names: What could be meant.
            otherwise: The hint when there are no names at all.
        """
        known = list(islice(names, MOST_NAMES + 1) if self.is_spent else names)
        if not known:
            return otherwise
        if self._left > 0 and len(name) < 100:
            self._left -= len(known)
            near = difflib.get_close_matches(name, known, n=1) or [other for other in known if name in other][:1]
            if near and name:
                return f"try {near[0]!r}"
        more = ", ..." if len(known) > MOST_NAMES else ""
        return "choose one of " + ", ".join(known[:MOST_NAMES]) + more
