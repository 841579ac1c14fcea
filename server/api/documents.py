"""What can be said of a workflow without running it: what is wrong with it, and what a run would do."""

from __future__ import annotations

import json

from aiohttp import web

from server.api.endpoint import endpoint
from server.api.keys import SERVICE
from server.api.schema import DocumentBody, MigrateAnswer, PlanAnswer, ProblemEntry, ValidateAnswer, WorkflowBody


@endpoint("POST", "/validate", refuses=(413, 422, 503))
async def validate_workflow(request: web.Request, body: WorkflowBody) -> ValidateAnswer:
    """Say all that is wrong with a workflow; nothing is queued."""
    problems = await request.app[SERVICE].validate(json.dumps(body.workflow), body.inputs, body.targets)
    entries = [ProblemEntry.model_validate(problem.to_json()) for problem in problems]
    return ValidateAnswer(valid=not entries, problems=entries)


@endpoint("POST", "/plan", refuses=(413, 422, 503))
async def plan_workflow(request: web.Request, body: WorkflowBody) -> PlanAnswer:
    """Say which nodes would run, and why; nothing is queued. A workflow with problems is refused."""
    plan = await request.app[SERVICE].plan(json.dumps(body.workflow), body.inputs, body.targets)
    return PlanAnswer.model_validate(plan)


@endpoint("POST", "/documents/migrate", refuses=(413, 422, 503))
async def migrate_document(request: web.Request, body: DocumentBody) -> MigrateAnswer:
    """Bring a document's nodes to the versions that are installed, as every document is that somebody opens.

    Nodes of unknown types, and nodes that are newer than what is installed, stay as they are.
    """
    migrated = await request.app[SERVICE].migrate(json.dumps(body.workflow))
    return MigrateAnswer.model_validate({**migrated, "workflow": json.loads(migrated["workflow"])})


ENDPOINTS = (validate_workflow, plan_workflow, migrate_document)
