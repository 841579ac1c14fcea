"""The user's models, for choosing one: names and sizes. What a file is, is not read here."""

from __future__ import annotations

import asyncio

from aiohttp import web

from server.api.endpoint import endpoint
from server.api.errors import ApiError
from server.api.keys import SETTINGS
from server.api.schema import ModelEntry, ModelList
from server.models.catalog import entries
from server.models.errors import ModelError


@endpoint("GET", "/models", refuses=(422,))
async def list_models(request: web.Request) -> ModelList:
    """List the models that there are, by name: files and folders that a node's `models` file knob takes."""
    folder = request.app[SETTINGS].folders.models
    try:
        found = await asyncio.to_thread(entries, folder)
    except ModelError as error:
        raise ApiError(422, "bad_model_paths", error.message, error.hint) from error
    usable = [entry for entry in found if entry.kind != "pickle"]
    return ModelList(
        models=[ModelEntry.model_validate({"name": e.name, "kind": e.kind, "size_bytes": e.size_bytes}) for e in usable]
    )


ENDPOINTS = (list_models,)
