"""The editor's own checks, run where everything else is: types, lint, and the unit and property tests of its rooms."""

from __future__ import annotations

import pytest

from tests.machine import skip_unless
from tests.web.npm import WEB, run_npm

pytestmark = pytest.mark.xdist_group("npm")  # one at a time: each takes all cores


@pytest.fixture(autouse=True)
def _packages() -> None:
    skip_unless((WEB / "node_modules").is_dir(), "the editor's packages are not installed: run `make setup`")


@pytest.mark.parametrize("script", ["check", "test"])
def test_the_editors_sources_are_sound(script: str) -> None:
    done = run_npm("run", script)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
