"""What tests ask of the machine: programs that may be missing. Missing is a visible skip, and in CI a failure."""

from __future__ import annotations

import os

import pytest


def skip_unless(present: bool, reason: str) -> None:
    """Skip a test, visibly, that needs what this machine lacks; in CI the lack is a failure, so no check is lost."""
    if present:
        return
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"in CI this may not be missing: {reason}")
    pytest.skip(reason)
