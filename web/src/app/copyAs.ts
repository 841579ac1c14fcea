/** The workflow in view as something to paste into a terminal or a program. All of it runs as it stands. */
import type { Workflow } from "../graph/document";
import { inputsOf, isLink, type Json, nodesOf } from "../graph/document";
import { writeWorkflow } from "../graph/read";
import { t } from "../i18n";

export type CopyKind = "cli" | "curl" | "python";

/** What to paste; `origin` is the server's address. */
export function copyText(kind: CopyKind, workflow: Workflow, origin: string): string {
  if (kind === "cli") return asCommand(workflow);
  return kind === "curl" ? asCurl(workflow, origin) : asPython(workflow, origin);
}

/** A name for the document's file. */
export function fileName(workflow: Workflow): string {
  const words = (workflow.title || t("app.untitled")).toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "_");
  return `${words.replaceAll(/^_+|_+$/g, "") || "workflow"}.json`;
}

function asCommand(workflow: Workflow): string {
  const settings = namedValues(workflow).map(([name, value]) => ` \\\n  --set ${quoted(`${name}=${shown(value)}`)}`);
  return `kinegraph run ${quoted(fileName(workflow))}${settings.join("")}\n`;
}

function asCurl(workflow: Workflow, origin: string): string {
  const body = JSON.stringify({ workflow: JSON.parse(writeWorkflow(workflow)) });
  return [
    `curl -sS ${quoted(`${origin}/api/v1/jobs`)}`,
    '  -H "Authorization: Bearer $KINEGRAPH_TOKEN"',
    "  -H 'Content-Type: application/json'",
    `  -d ${quoted(body)}\n`,
  ].join(" \\\n");
}

/** A raw string holds any JSON, in which three quotes never stand side by side. */
function asPython(workflow: Workflow, origin: string): string {
  return `import json
import os

from server.client import submit_and_wait

WORKFLOW = json.loads(r"""
${writeWorkflow(workflow).trimEnd()}
""")

for path in submit_and_wait(${JSON.stringify(origin)}, os.environ["KINEGRAPH_TOKEN"], WORKFLOW, {}, folder="."):
    print(path)
`;
}

/** The named inputs that hold a constant, with their values. */
function namedValues(workflow: Workflow): [string, Json][] {
  return Object.entries(workflow.inputs ?? {}).flatMap(([name, exposed]): [string, Json][] => {
    const value = inputsOf(nodesOf(workflow)[exposed.node] ?? { type: "" })[exposed.input ?? ""];
    return value === undefined || isLink(value) || (typeof value === "object" && value !== null) ? [] : [[name, value]];
  });
}

function shown(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A word for a POSIX shell. */
function quoted(word: string): string {
  return /^[\w./:=@-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
