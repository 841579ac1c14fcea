"""The editor's types are those of the server's published OpenAPI."""

from __future__ import annotations

import subprocess

from tests.web.npm import NODE, WEB


def test_the_editors_types_are_made_from_the_published_openapi() -> None:
    openapi = (WEB.parent / "docs" / "openapi.json").read_text(encoding="utf-8")
    made = subprocess.run(
        [str(NODE), "scripts/api-types.mjs"],
        cwd=WEB,
        input=openapi,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    types = (WEB / "src" / "api" / "types.ts").read_text(encoding="utf-8")
    assert made.stdout == types, "run: node scripts/api-types.mjs < ../docs/openapi.json > src/api/types.ts (in web/)"
