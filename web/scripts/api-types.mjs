/**
 * OpenAPI on standard input, TypeScript on standard output: the shapes that cross the wire, by their names.
 *
 *   python -m server.api.openapi | node scripts/api-types.mjs > src/api/types.ts
 *
 * Reads the small part of JSON Schema that the server's payload types use, and stops at anything else. (The usual
 * generators need TypeScript's own programming interface, which version 7 no longer has.)
 */
import { readFileSync } from "node:fs";

const HEADER = "/** Made by scripts/api-types.mjs from the server's OpenAPI; do not edit. */\n";

function typeOf(schema) {
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const union = schema.anyOf ?? schema.oneOf;
  if (union) return union.map(typeOf).join(" | ");
  switch (schema.type) {
    case "string":
      return "string";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "null":
      return "null";
    case "array":
      return `readonly (${schema.items ? typeOf(schema.items) : "unknown"})[]`;
    case "object":
      return schema.properties ? objectOf(schema, "  ") : `{ readonly [key: string]: ${itemOf(schema)} }`;
    case undefined:
      return "unknown";
    default:
      throw new Error(`no TypeScript is known for ${JSON.stringify(schema)}`);
  }
}

function itemOf(schema) {
  const items = schema.additionalProperties;
  return items && items !== true ? typeOf(items) : "unknown";
}

function objectOf(schema) {
  const required = new Set(schema.required ?? []);
  const lines = Object.entries(schema.properties ?? {}).map(([name, value]) => {
    const comment = value.description ? `  /** ${value.description.replaceAll("\n", " ")} */\n` : "";
    const key = /^\w+$/.test(name) ? name : JSON.stringify(name);
    return `${comment}  readonly ${key}${required.has(name) ? "" : "?"}: ${typeOf(value)};\n`;
  });
  return `{\n${lines.join("")}}`;
}

const { components } = JSON.parse(readFileSync(0, "utf8"));
const types = Object.entries(components.schemas).map(([name, schema]) => {
  const comment = schema.description ? `/** ${schema.description.replaceAll("\n", " ")} */\n` : "";
  return `${comment}export type ${name} = ${typeOf(schema)};\n`;
});
process.stdout.write(HEADER + "\n" + types.join("\n"));
