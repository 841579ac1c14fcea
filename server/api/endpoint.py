"""An endpoint is a typed function: its signature is what the server checks, and what OpenAPI says. No resource here."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

import pydantic
from aiohttp import web
from pydantic import BaseModel

from server.api.body import read_json, require_media_type
from server.api.errors import ApiError, Handler
from server.kit.problems import Problem, pointer

PREFIX = "/api/v1"
JSON = "application/json"
RESERVED = ("request", "body", "query", "headers", "return")

Call = Callable[..., Awaitable[BaseModel | web.StreamResponse]]
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one address.

    Attributes:
        method: In capitals.
        path: Below the prefix, such as `/jobs/{id}`.
        call: Takes `request`, the parts of the path by name, and `body`, `query`, `headers` where it names them.
        body: Type of the JSON body.
        query: Type of the query string.
        headers: Type of the request headers that it reads, by alias.
        answer: Type of the JSON answer; None when the function makes the response itself.
        status: Of the answer when all went well.
        produces: Media types of the answer.
        consumes: Media types of a body that is no JSON.
        refuses: Statuses of its own refusals, beside those that every endpoint has.
        public: Needs no token.
    """

    method: str
    path: str
    call: Call
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    headers: type[BaseModel] | None
    answer: type[BaseModel] | None
    status: int
    produces: tuple[str, ...]
    consumes: tuple[str, ...]
    refuses: tuple[int, ...]
    public: bool

    @property
    def methods(self) -> tuple[str, ...]:
        """The method, and HEAD beside a GET that comes to an end by itself."""
        endless = self.status == 101 or "text/event-stream" in self.produces
        return (self.method, "HEAD") if self.method == "GET" and not endless else (self.method,)

    @property
    def summary(self) -> str:
        """First line of the function's docstring."""
        return inspect.cleandoc(self.call.__doc__ or "").partition("\n")[0]

    @property
    def description(self) -> str:
        """The docstring's paragraphs below the first line."""
        return inspect.cleandoc(self.call.__doc__ or "").partition("\n")[2].strip()

    def handler(self) -> Handler:
        """Return the function as aiohttp calls it."""

        async def handle(request: web.Request) -> web.StreamResponse:
            given: dict[str, Any] = dict(request.match_info)
            if self.query:
                given["query"] = validated(self.query, _single_values(request), "query", 400)
            if self.headers:
                given["headers"] = validated(self.headers, _named_headers(request, self.headers), "header", 400)
            if self.body:
                given["body"] = validated(self.body, await read_json(request), "body", 422)
            elif request.method == "POST" and not self.consumes:
                _require_no_simple_form(request)
            answer = await self.call(request, **given)
            return answer if isinstance(answer, web.StreamResponse) else json_answer(answer, self.status)

        return handle


def endpoint(
    method: str,
    path: str,
    *,
    status: int = 200,
    produces: tuple[str, ...] = (JSON,),
    consumes: tuple[str, ...] = (),
    refuses: tuple[int, ...] = (),
    answer: type[BaseModel] | None = None,
    public: bool = False,
) -> Callable[[Call], Endpoint]:
    """Make an endpoint of a function.

    Args:
        method: HTTP method.
        path: Below the prefix.
        status: Of a good answer.
        produces: Media types of a good answer.
        consumes: Media types of a body that is no JSON.
        refuses: Statuses of its own refusals.
        answer: Type of the JSON body, for a function that returns a response in order to set headers.
        public: Needs no token.
    """

    def declare(function: Call) -> Endpoint:
        hints = get_type_hints(function)
        returned = hints.get("return")
        models = {name: hints.get(name) for name in ("body", "query", "headers")}
        is_model = isinstance(returned, type) and issubclass(returned, BaseModel)
        return Endpoint(
            method=method,
            path=path,
            call=function,
            **models,
            answer=answer or (returned if is_model else None),
            status=status,
            produces=produces,
            consumes=consumes,
            refuses=refuses,
            public=public,
        )

    return declare


def json_answer(model: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a response that carries the model as JSON."""
    return web.Response(
        status=status, body=model.model_dump_json(by_alias=True).encode(), content_type=JSON, headers=headers
    )


def validated(model: type[M], value: object, where: str, status: int) -> M:
    """Return `value` as the model.

    Raises:
        ApiError: It does not fit; `problems` points at each place, `where` says in which part of the request.
    """
    try:
        return model.model_validate(value)
    except pydantic.ValidationError as error:
        problems = [
            Problem(pointer(*entry["loc"]), entry["type"], entry["msg"], _expected(entry))
            for entry in error.errors(include_url=False, include_context=False)
        ]
        first = problems[0]
        message = f"{where} {first.path or '/'}: {first.message}"
        hint = "compare it with /api/v1/openapi.json"
        raise ApiError(status, f"bad_{where}", message, hint, problems=problems) from error


def _expected(entry: Any) -> str:
    return "leave it out, or check its spelling" if entry["type"] == "extra_forbidden" else ""


def _single_values(request: web.Request) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in request.query.items():
        if name in values:
            raise ApiError(400, "bad_query", f"{name[:100]!r} is given twice", "give it once")
        values[name] = value
    return values


def _named_headers(request: web.Request, model: type[BaseModel]) -> dict[str, str]:
    names = [field.alias or name for name, field in model.model_fields.items()]
    return {name: request.headers[name] for name in names if name in request.headers}


def _require_no_simple_form(request: web.Request) -> None:
    """Refuse what a foreign page's form could send; a Bearer header, which it could not, speaks for itself."""
    if request.can_read_body or "Authorization" not in request.headers:
        require_media_type(request, JSON)
