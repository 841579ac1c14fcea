import { describe, expect, it } from "vitest";
import { copyText, fileName } from "../src/app/copyAs";
import { DEFAULTS, readSettings, writeSettings } from "../src/app/settings/settings";
import type { Workflow } from "../src/graph/document";

describe("settings", () => {
  it("survive their way to the browser's storage, and only differences are kept", () => {
    const changed = {
      ...DEFAULTS,
      theme: "light",
      links: "angled",
      drag: "select",
      wheel: "pan",
      snap: false,
      keys: { run: ["f5"] },
    } as const;
    expect(JSON.parse(writeSettings(changed))).toEqual({
      ...{ theme: "light", links: "angled", drag: "select", wheel: "pan", snap: false },
      keys: { run: ["f5"] },
    });
    expect(readSettings(writeSettings(changed))).toEqual(changed);
    expect(writeSettings(DEFAULTS)).toBe("{}");
  });

  it("fall back to their defaults where they make no sense", () => {
    for (const text of [
      null,
      "",
      "no json",
      "7",
      '{"theme": "pink", "drag": "fly", "wheel": 1, "snap": 3, "keys": {"run": 5}}',
    ])
      expect(readSettings(text)).toEqual(DEFAULTS);
  });
});

describe("copying as", () => {
  const workflow: Workflow = {
    kinegraph: 1,
    title: "Bob's red / boat",
    inputs: { prompt: { node: "text", input: "text" }, size: { node: "size", input: "width" } },
    nodes: {
      text: { type: "encode_text", inputs: { text: 'it\'s a "boat"' } },
      size: { type: "empty", inputs: { width: { link: ["text", "x"] } } },
    },
  };

  it("names the file after the workflow", () => {
    expect(fileName(workflow)).toBe("bob_s_red_boat.json");
    expect(fileName({ kinegraph: 1, title: "???" })).toBe("workflow.json");
  });

  it("sets the named inputs that hold constants, quoted for a shell", () => {
    expect(copyText("cli", workflow, "")).toBe(
      `kinegraph run bob_s_red_boat.json \\\n  --set 'prompt=it'\\''s a "boat"'\n`,
    );
  });
});
