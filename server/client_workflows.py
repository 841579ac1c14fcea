"""The SDK's view of saved workflows and templates; `Client.workflows` is one. Requests are made by the client."""

from __future__ import annotations

import urllib.parse
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from server.client_records import SavedWorkflow, only

Request = Callable[..., Awaitable[dict[str, Any]]]
"""`Client.request`."""


class SavedWorkflows:
    """The workflows that a server keeps, each with all its versions.

    Args:
        request: Sends a request and returns its JSON answer.
    """

    def __init__(self, request: Request) -> None:
        self._request = request

    async def list(self) -> tuple[SavedWorkflow, ...]:
        """Return all of them, the one saved last first."""
        return tuple(map(_saved, (await self._request("GET", "/workflows"))["workflows"]))

    async def create(self, workflow: Mapping[str, Any]) -> SavedWorkflow:
        """Save a workflow under a fresh id, made from its title."""
        return _saved(await self._request("POST", "/workflows", {"workflow": workflow}))

    async def open(self, id: str, version: int | None = None) -> tuple[dict[str, Any], SavedWorkflow]:  # noqa: A002
        """Return the document, and which version of it that is.

        Args:
            id: Of the workflow.
            version: The newest, unless given.

        Raises:
            NotFoundError: There is no such workflow, or version.
        """
        data = await self._request("GET", _path(id) if version is None else f"{_path(id)}/versions/{version}")
        return data["workflow"], _saved(data)

    async def save(self, id: str, workflow: Mapping[str, Any], start: SavedWorkflow | None) -> SavedWorkflow:  # noqa: A002
        """Save a new version; a connection that breaks meanwhile saves it no second time.

        Args:
            id: Of the workflow.
            workflow: All of the document.
            start: The version that it was made from; None when there is to be none of this id yet.

        Raises:
            VersionConflictError: Somebody else saved since; nothing was changed.
        """
        headers = {"If-None-Match": "*"} if start is None else {"If-Match": start.etag}
        return _saved(await self._request("PUT", _path(id), {"workflow": workflow}, headers, repeatable=True))

    async def rename(self, id: str, title: str) -> SavedWorkflow:  # noqa: A002
        """Give a workflow another title, as a new version; its id stays."""
        return _saved(await self._request("POST", f"{_path(id)}/rename", {"title": title}, repeatable=True))

    async def duplicate(self, id: str, title: str | None = None) -> SavedWorkflow:  # noqa: A002
        """Save a copy under a fresh id."""
        return _saved(await self._request("POST", f"{_path(id)}/duplicate", {"title": title}))

    async def versions(self, id: str) -> tuple[SavedWorkflow, ...]:  # noqa: A002
        """Return all versions of a workflow, newest first."""
        return tuple(map(_saved, (await self._request("GET", f"{_path(id)}/versions"))["versions"]))

    async def restore(self, id: str, version: int) -> SavedWorkflow:  # noqa: A002
        """Make an earlier version the newest again, as a new version."""
        return _saved(await self._request("POST", f"{_path(id)}/versions/{version}/restore", {}, repeatable=True))

    async def delete(self, id: str) -> None:  # noqa: A002
        """Take a workflow off the list; the server keeps its files."""
        await self._request("DELETE", _path(id))

    async def undelete(self, id: str) -> SavedWorkflow:  # noqa: A002
        """Bring back the workflow of this id that was deleted last, with all its versions."""
        return _saved(await self._request("POST", f"{_path(id)}/undelete", {}))

    async def templates(self) -> dict[str, str]:
        """Return the titles of the workflows that are shipped, by name."""
        return {entry["name"]: entry["title"] for entry in (await self._request("GET", "/templates"))["templates"]}

    async def template(self, name: str) -> dict[str, Any]:
        """Return a workflow that is shipped.

        Raises:
            NotFoundError: There is none of this name.
        """
        return (await self._request("GET", f"/templates/{urllib.parse.quote(name, safe='')}"))["workflow"]


def _path(id_: str) -> str:
    return f"/workflows/{urllib.parse.quote(id_, safe='')}"


def _saved(data: Mapping[str, Any]) -> SavedWorkflow:
    return SavedWorkflow(**only(data, SavedWorkflow))
