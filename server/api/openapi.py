"""OpenAPI 3.1 from the table of endpoints: the types that the handlers use are the ones that it shows."""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, cast

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from server import __version__
from server.api import schema
from server.api.endpoint import JSON, PREFIX, Endpoint, endpoint
from server.api.schema import ErrorAnswer

Json = dict[str, Any]
PATH_PART = re.compile(r"\{(\w+)\}")
REASONS = {
    200: "Done.",
    201: "Made.",
    204: "Done; there is nothing to say.",
    206: "The part that the Range header asked for.",
    101: "The connection becomes a websocket, which sends messages of this shape.",
    304: "What the client has is current.",
    400: "The request cannot be read.",
    401: "The token is missing or wrong.",
    403: "The request comes from another web page, or under a foreign host name.",
    404: "There is no such thing.",
    408: "The request did not arrive in time.",
    409: "It is not in a state in which this can be done.",
    410: "It was there, and is not any more.",
    412: "Somebody else saved it since; the ETag header names what is there now.",
    413: "The request is too large.",
    415: "The content type is not taken here.",
    416: "The range does not lie in the file.",
    422: "The request can be read, but not used; `problems` says why.",
    428: "The request does not say which version it replaces.",
    429: "The queue is full.",
    503: "The worker cannot answer now.",
    507: "The disk is full.",
}


@dataclass(slots=True)
class Description:
    """The document as bytes, made when it is first asked for: the server's start does not wait for it."""

    endpoints: Sequence[Endpoint]
    encoded: bytes = b""

    def read(self) -> bytes:
        """Return the document."""
        self.encoded = self.encoded or json.dumps(describe(self.endpoints)).encode()
        return self.encoded


DESCRIPTION = web.AppKey("description", Description)


@endpoint("GET", "/openapi.json")
async def get_openapi(request: web.Request) -> web.Response:
    """Return this description."""
    return web.Response(body=request.app[DESCRIPTION].read(), content_type=JSON)


def describe(endpoints: Sequence[Endpoint]) -> Json:
    """Return the OpenAPI document of the endpoints."""
    schemas = _schemas(endpoints)
    paths: Json = {}
    for entry in endpoints:
        paths.setdefault(PREFIX + entry.path, {})[entry.method.lower()] = _operation(entry, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kinegraph",
            "version": __version__,
            "description": "Submit graphs of typed nodes, follow them, and fetch the video that they make.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "kinegraph_session"},
            },
        },
    }


def _schemas(endpoints: Sequence[Endpoint]) -> Json:
    asked = {model for entry in endpoints for model in (entry.body, entry.query, entry.headers) if model}
    answered = {model for entry in endpoints if (model := entry.answer)} | {ErrorAnswer}
    pairs = [(model, "validation") for model in asked] + [(model, "serialization") for model in answered]
    pairs.sort(key=lambda pair: pair[0].__name__)
    _, definitions = models_json_schema(cast("Any", pairs), ref_template="#/components/schemas/{model}")
    words = _field_docstrings(schema)
    for name, definition in definitions["$defs"].items():
        for field, described in definition.get("properties", {}).items():
            text = words.get((name, field.lower().replace("-", "_")))
            if text:
                described.setdefault("description", text)
    return definitions


def _field_docstrings(module: ModuleType) -> dict[tuple[str, str], str]:
    """Return the text below each field of each class in a module, by the names of class and field."""
    found: dict[tuple[str, str], str] = {}
    for item in ast.parse(inspect.getsource(module)).body:
        if not isinstance(item, ast.ClassDef):
            continue
        for field, below in itertools.pairwise(item.body):
            match field, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[item.name, name] = inspect.cleandoc(text)
                case _:
                    pass
    return found


def _operation(entry: Endpoint, schemas: Json) -> Json:
    operation: Json = {
        "operationId": entry.call.__name__,
        "summary": entry.summary,
        "tags": [entry.path.split("/")[1]],
        "parameters": _parameters(entry, schemas),
        "responses": _responses(entry),
    }
    if entry.description:
        operation["description"] = entry.description
    if entry.public:
        operation["security"] = []
    if entry.body:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": _reference(entry.body)}}}
    elif entry.consumes:
        operation["requestBody"] = {"required": True, "content": {kind: _bytes(kind) for kind in entry.consumes}}
    return operation


def _parameters(entry: Endpoint, schemas: Json) -> list[Json]:
    path: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in PATH_PART.findall(entry.path)
    ]
    return path + _fields(entry.query, "query", schemas) + _fields(entry.headers, "header", schemas)


def _fields(model: type[BaseModel] | None, place: str, schemas: Json) -> list[Json]:
    if model is None:
        return []
    properties: Mapping[str, Json] = schemas["$defs"][model.__name__]["properties"]
    return [_parameter(name, place, schema) for name, schema in properties.items()]


def _parameter(name: str, place: str, schema: Json) -> Json:
    plain = {key: value for key, value in schema.items() if key != "description"}
    description = {"description": schema["description"]} if "description" in schema else {}
    return {"name": name, "in": place, "required": False, "schema": plain, **description}


def _responses(entry: Endpoint) -> Json:
    good: Json = {"description": REASONS[entry.status]}
    if entry.answer:
        good["content"] = {kind: {"schema": _reference(entry.answer)} for kind in entry.produces}
    elif entry.status != 204:
        good["content"] = {kind: _plain(kind) for kind in entry.produces}
    responses: Json = {str(entry.status): good}
    if entry.headers and "range" in entry.headers.model_fields:
        responses |= {"206": {**good, "description": REASONS[206]}, "304": {"description": REASONS[304]}}
    for status in sorted({*_usual(entry), *entry.refuses}):
        described: Json = {"description": REASONS.get(status, "The server made a mistake.")}
        if status >= 400:
            described["content"] = {JSON: {"schema": _reference(ErrorAnswer)}}
        responses[str(status)] = described
    return responses


def _usual(entry: Endpoint) -> set[int]:
    statuses: set[int] = {403, 500} if entry.public else {401, 403, 500}
    if entry.query or entry.headers or entry.body or entry.consumes:
        statuses.add(400)
    if entry.method in ("POST", "PUT"):
        statuses.add(415)
    if entry.body:
        statuses |= {408, 413, 422}
    return statuses


def _plain(kind: str) -> Json:
    return {"schema": {"type": "object"}} if kind == JSON else {"schema": {"type": "string"}}


def _bytes(kind: str) -> Json:
    if kind.startswith("multipart/"):
        file = {"type": "string", "contentMediaType": "application/octet-stream"}
        return {"schema": {"type": "object", "properties": {"file": file}, "required": ["file"]}}
    return {"schema": {"type": "string", "contentMediaType": kind}}


def _reference(model: type[BaseModel]) -> Json:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


ENDPOINTS = (get_openapi,)
