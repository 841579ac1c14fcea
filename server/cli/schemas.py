"""`kinegraph schemas FOLDER`: the published descriptions, written from the code that they describe."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from server.api.app import ENDPOINTS
from server.api.openapi import describe
from server.cli.output import DONE
from server.graph.schema import schema_text


def schemas(options: argparse.Namespace) -> int:
    """Write the workflow's JSON Schema and the API's OpenAPI document."""
    folder = Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in published().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
        print(folder / name)
    return DONE


def published() -> dict[str, str]:
    """Return each published file's name and content."""
    openapi = json.dumps(describe(ENDPOINTS), indent=2, ensure_ascii=False) + "\n"
    return {"workflow.schema.json": schema_text(), "openapi.json": openapi}
