"""The workflows that are shipped, to start from."""

from __future__ import annotations

import asyncio
import json

from aiohttp import web

from server.api.endpoint import PREFIX, endpoint
from server.api.keys import TEMPLATES
from server.api.schema import OpenedTemplate, TemplateEntry, TemplateList
from server.library.templates import Template
from server.library.templates import list_templates as read_templates
from server.library.templates import open_template as read_template


@endpoint("GET", "/templates")
async def list_templates(request: web.Request) -> TemplateList:
    """List the shipped workflows, by title."""
    found = await asyncio.to_thread(read_templates, request.app[TEMPLATES])
    return TemplateList(templates=[TemplateEntry.model_validate(_fields(template)) for template in found])


@endpoint("GET", "/templates/{name}", refuses=(404,))
async def open_template(request: web.Request, name: str) -> OpenedTemplate:
    """Return a shipped workflow."""
    template = await asyncio.to_thread(read_template, request.app[TEMPLATES], name)
    return OpenedTemplate.model_validate({**_fields(template), "workflow": json.loads(template.document)})


def _fields(template: Template) -> dict[str, object]:
    return {
        "name": template.name,
        "title": template.title,
        "description": template.description,
        "nodes": template.nodes,
        "url": f"{PREFIX}/templates/{template.name}",
    }


ENDPOINTS = (list_templates, open_template)
