import { expect, it } from "vitest";
import { COMMANDS } from "../src/app/commands";
import type { Command } from "../src/app/commands/command";
import { t, tDynamic } from "../src/i18n";
import { en } from "../src/i18n/en";

const files = import.meta.glob<string>("../src/**/*.tsx", { query: "?raw", import: "default", eager: true });
const sources = Object.entries(files).map(([name, text]) => ({ name, text }));

it("no text that people see stands in a component", () => {
  expect(sources.length).toBeGreaterThan(40);
  const literal = />\s*([A-Z][a-z]+[^<>{}=;]*)<\/|(?:aria-label|title|placeholder|alt)="[^"]*[A-Za-z]{2}/g;
  const found = sources.flatMap(({ name, text }) => [...text.matchAll(literal)].map((match) => `${name}: ${match[0]}`));
  expect(found).toEqual([]);
});

it("one of something is said as one, and the words of a key that has no singular stay", () => {
  expect(tDynamic("step.remove", { count: 1 })).toBe("Delete 1 node");
  expect(tDynamic("step.remove", { count: 2 })).toBe("Delete 2 nodes");
  expect(t("workflows.version", { count: 1 })).toBe("version 1");
  const plural = /\{count\} \w+s\b/;
  const lacking = Object.entries(en).filter(([key, text]) => plural.test(text) && !Object.hasOwn(en, `${key}_one`));
  // It is only said of two nodes or more.
  expect(lacking.map(([key]) => key)).toEqual(["subgraph.shared"]);
});

it("every text of a command is there, and no command is there twice", () => {
  expect(COMMANDS.filter((command) => !Object.hasOwn(en, command.title))).toEqual([]);
  expect(new Set(COMMANDS.map((command) => command.id)).size).toBe(COMMANDS.length);
});

it("every command that a room declares is in a menu, and so in the palette", () => {
  const rooms = import.meta.glob<Record<string, unknown>>("../src/app/commands/*.ts", { eager: true });
  const lists = Object.values(rooms).flatMap((room) =>
    Object.entries(room).filter(([name]) => name.endsWith("_COMMANDS")),
  );
  expect(lists.length).toBeGreaterThan(10);
  const declared = lists.flatMap(([, list]) => (list as readonly Command[]).map(({ id }) => id));
  expect(COMMANDS.map(({ id }) => id).sort()).toEqual(declared.sort());
});
