"""What can be wrong with a workflow, said so that a person can mend it."""

from __future__ import annotations

from dataclasses import dataclass


def pointer(*parts: str | int) -> str:
    """Return the JSON pointer (RFC 6901) that names a place in a workflow, such as `/nodes/denoise/inputs/steps`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a workflow.

    Attributes:
        path: JSON pointer to the place.
        code: Stable word for programs, such as `out_of_range`.
        message: What is wrong, with the value in it.
        hint: What to do next; empty only where the message says it already.
    """

    path: str
    code: str
    message: str
    hint: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the problem as it crosses the wire."""
        return {"path": self.path, "code": self.code, "message": self.message, "hint": self.hint}

    def __str__(self) -> str:
        return f"{self.path or '/'}: {self.message}" + (f" ({self.hint})" if self.hint else "")


@dataclass(frozen=True, slots=True)
class InputProblem:
    """What a node's `check` yields: a problem of one of its inputs; the engine knows where the node is."""

    input: str
    message: str
    hint: str = ""
    code: str = "bad_input"

    def at(self, path: str) -> Problem:
        """Return the problem placed in a workflow; `path` is the node's pointer."""
        return Problem(path + pointer("inputs", self.input), self.code, self.message, self.hint)


class WorkflowError(Exception):
    """A workflow cannot be used; carries every problem found, not only the first."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class NodeInputError(Exception):
    """Raised by a node while it runs: one of its inputs is unusable.

    The engine turns it into a `NodeError` whose pointer names the input.
    """

    def __init__(self, input_name: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.input_name = input_name
        self.hint = hint


class Canceled(Exception):  # noqa: N818  (it is no error: somebody asked for it)
    """The job was canceled; raised at a node's next cancellation point."""


class NodeDeclarationError(Exception):
    """A node function cannot be read as a node; says which parameter, in which file and line."""
