import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { entriesOf, type Filters, fitsFilters, forReplacing, NO_FILTERS } from "../src/canvas/search/entries";
import { definitionsOf, isShown } from "../src/graph/catalogue";
import { copyPart, cornerOf, pasteClip, readClip, writeClip } from "../src/graph/clipboard";
import { bestInput, isUpstream, refuseLink } from "../src/graph/connect";
import { EMPTY_WORKFLOW, type Json, linksOf, nodesOf, ROOT, type Workflow } from "../src/graph/document";
import { addNode, connect, insertOnLink, setInput } from "../src/graph/edits";
import { amend, beginHistory, goTo, perform, redo, undo } from "../src/graph/history";
import { freshId } from "../src/graph/ids";
import { refuseConstant } from "../src/graph/limits";
import { applyPatches, valueAt } from "../src/graph/patch";
import { asWorkflow, readWorkflow, UnreadableError, writeWorkflow } from "../src/graph/read";
import { removeNodes } from "../src/graph/removing";
import { scopesOf } from "../src/graph/scopes";
import { rank } from "../src/graph/search";
import { anAct, catalogue, everyPart, play } from "./toys";

const start = readWorkflow(everyPart);
const someActs = fc.array(anAct, { maxLength: 40 });

/** Text with the order of keys, which `toEqual` does not compare. */
const text = (workflow: Workflow) => JSON.stringify(workflow);

describe("history", () => {
  test("undoing all random edits gives the first document, keys in their old order", () => {
    fc.assert(
      fc.property(someActs, (acts) => {
        let history = play(start, acts);
        while (history.past.length > 0) history = undo(history);
        expect(text(history.document)).toBe(text(start));
      }),
    );
  });

  test("redoing all undone edits gives the last document", () => {
    fc.assert(
      fc.property(someActs, (acts) => {
        const played = play(EMPTY_WORKFLOW, acts);
        const back = goTo(played, 0);
        expect(text(goTo(back, played.past.length).document)).toBe(text(played.document));
      }),
    );
  });

  test("typing in one knob is one step, and a pause begins another", () => {
    let history = beginHistory(start);
    for (const [at, value] of [
      [0, "a"],
      [100, "ab"],
      [200, "abc"],
      [5000, "abcd"],
    ] as const)
      history = perform(history, setInput(history.document, ROOT, { node: "text", input: "text" }, value), at);
    expect(history.past.length).toBe(2);
    expect(valueAt(undo(history).document as Json, ["nodes", "text", "inputs", "text"])).toBe("abc");
    expect(text(undo(undo(history)).document)).toBe(text(start));
  });

  test("an edit after an undo forgets what was undone", () => {
    const once = perform(beginHistory(start), setInput(start, ROOT, { node: "save", input: "crf" }, 20), 0);
    const back = undo(once);
    const again = perform(back, setInput(back.document, ROOT, { node: "save", input: "crf" }, 21), 0);
    expect(redo(again)).toBe(again);
  });
});

describe("a change that is no step", () => {
  const title = (text: string) => [{ op: "set", path: ["title"], value: text }] as const;
  const note = { op: "set", path: ["notes"], value: [] } as const;

  test("is kept by undo and redo, whatever the steps before and after it did there", () => {
    let history = beginHistory<Workflow>({ kinegraph: 1, title: "first" });
    history = perform(history, { label: { key: "rename_workflow" }, patches: title("second") }, 0);
    history = perform(history, { label: { key: "both" }, patches: [...title("third"), note] }, 5000);
    history = undo(amend(history, { op: "set", path: ["title"], value: "saved" }));
    expect(history.document).toEqual({ kinegraph: 1, title: "saved" });
    expect([history.past.length, history.future.length]).toEqual([0, 1]);
    expect(redo(history).document).toEqual({ kinegraph: 1, title: "saved", notes: [] });
  });
});

describe("reading and writing", () => {
  test("a saved document is read back as it was after any edits", () => {
    fc.assert(
      fc.property(someActs, (acts) => {
        const { document } = play(start, acts);
        expect(text(readWorkflow(writeWorkflow(document)))).toBe(text(document));
      }),
    );
  });

  test("fields that nobody knows stay where they stood", () => {
    const edited = perform(
      beginHistory(start),
      setInput(start, ROOT, { node: "frames", input: "tiling" }, "never"),
      0,
    ).document;
    expect(Object.keys(edited)).toEqual(Object.keys(start));
    expect(edited).toMatchObject({
      viewport: { zoom: 0.8 },
      nodes: { frames: { size: [220, 140] }, sharpen: { inputs: { options: { seed: null } } } },
    });
  });

  test("what could not be held is refused with its place", () => {
    const bad: [string, string][] = [
      ["{", ""],
      ["[]", ""],
      ["{}", ""],
      ['{"kinegraph": 2}', "/kinegraph"],
      ['{"kinegraph": 1, "nodes": {"a/b": 3}}', "/nodes/a~1b"],
      ['{"kinegraph": 1, "nodes": {"a": {"type": "x", "at": [1]}}}', "/nodes/a/at"],
      ['{"kinegraph": 1, "nodes": {"a": {"type": "x", "inputs": []}}}', "/nodes/a/inputs"],
      ['{"kinegraph": 1, "outputs": {"a": {"node": "x"}}}', "/outputs/a/output"],
    ];
    for (const [source, path] of bad) {
      try {
        readWorkflow(source);
        expect.unreachable(source);
      } catch (error) {
        expect(error).toBeInstanceOf(UnreadableError);
        expect((error as UnreadableError).path).toBe(path);
      }
    }
  });

  test("a workflow of ComfyUI is called so", () => {
    const api = JSON.stringify({ "3": { class_type: "KSampler", inputs: { seed: 1 } } });
    for (const source of ['{"last_node_id": 2, "nodes": [], "links": []}', api])
      expect(() => readWorkflow(source)).toThrow("this is a workflow of ComfyUI");
    expect(() => readWorkflow("{}")).toThrow("no workflow");
  });
});

describe("links", () => {
  test("no sequence of edits makes a cycle or a link to a node that is not there", () => {
    fc.assert(
      fc.property(someActs, (acts) => {
        const { document } = play(EMPTY_WORKFLOW, acts);
        for (const { scope } of scopesOf(document))
          for (const { node, link } of linksOf(scope)) {
            expect(nodesOf(scope)[link.link[0]]).toBeDefined();
            expect(isUpstream(scope, node, link.link[0])).toBe(false);
          }
      }),
    );
  });

  test("each reason against a link is named", () => {
    const workflow = asWorkflow({
      kinegraph: 1,
      nodes: {
        models: { type: "load_starter" },
        text: { type: "encode_text", inputs: { encoder: { link: ["models", "text_encoder"] } } },
        one: { type: "trim_clip", inputs: { clip: { link: ["two", "clip"] } } },
        two: { type: "trim_clip" },
        number: { type: "integer" },
        file: { type: "load_video" },
        words: { type: "text" },
      },
    });
    const definitions = definitionsOf(workflow, catalogue);
    const why = (from: [string, string], to: [string, string]) =>
      refuseLink(workflow, definitions, { node: from[0], output: from[1] }, { node: to[0], input: to[1] })?.code ??
      null;
    expect(why(["models", "vae"], ["text", "encoder"])).toBe("type_mismatch");
    expect(why(["models", "text_encoder"], ["text", "encoder"])).toBe("already_linked");
    expect(why(["one", "clip"], ["two", "clip"])).toBe("cycle");
    expect(why(["one", "clip"], ["one", "clip"])).toBe("same_node");
    expect(why(["one", "sound"], ["two", "clip"])).toBe("no_such_socket");
    expect(why(["number", "value"], ["one", "start_s"])).toBe(null);
    expect(why(["words", "value"], ["file", "file"])).toBe(null);
    expect(why(["number", "value"], ["file", "file"])).toBe("type_mismatch");
  });

  test("a link dropped on a node takes the first free input that fits", () => {
    const workflow = asWorkflow({
      kinegraph: 1,
      nodes: {
        a: { type: "load_video" },
        b: { type: "concatenate_clips", inputs: { first: { link: ["a", "clip"] } } },
      },
    });
    expect(bestInput(workflow, definitionsOf(workflow, catalogue), { node: "a", output: "clip" }, "b")).toBe("second");
  });

  test("a node dropped on a link is put into it", () => {
    const workflow = asWorkflow({
      kinegraph: 1,
      nodes: {
        a: { type: "load_video" },
        b: { type: "trim_clip" },
        c: { type: "save_video", inputs: { clip: { link: ["a", "clip"] } } },
      },
    });
    const edit = insertOnLink(workflow, ROOT, definitionsOf(workflow, catalogue), { node: "c", input: "clip" }, "b");
    const { document } = applyPatches(workflow, edit.patches);
    expect([...linksOf(document)].map(({ node, link }) => [link.link[0], node])).toEqual([
      ["a", "b"],
      ["b", "c"],
    ]);
  });

  test("a chain of 20,000 nodes is walked without running out of stack", () => {
    const nodes = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, index) => [
        `n${index}`,
        { type: "trim_clip", inputs: index ? { clip: { link: [`n${index - 1}`, "clip"] } } : {} },
      ]),
    );
    expect(isUpstream(asWorkflow({ kinegraph: 1, nodes }), "n0", "n19999")).toBe(true);
  });
});

describe("edits", () => {
  test("removing a node cuts its links and what exposes it", () => {
    const { document } = applyPatches(start, removeNodes(start, ROOT, new Set(["text", "save"])).patches);
    expect(document.inputs).toEqual({});
    expect(document.outputs).toEqual({});
    expect(document.nodes?.["refine"]?.inputs).not.toHaveProperty("positive");
  });

  test("pasted nodes are linked among themselves, and to the rest only when asked", () => {
    const clip = copyPart(start, ROOT, new Set(["refine", "frames"]));
    for (const keepLinks of [true, false]) {
      const { edit, ids } = pasteClip(start, ROOT, clip, [10, 10], { keepLinks, key: "paste" });
      const nodes = applyPatches(start, edit.patches).document.nodes ?? {};
      expect(nodes[ids[1] ?? ""]?.inputs?.["latent"]).toEqual({ link: [ids[0], "latent"] });
      expect("vae" in (nodes[ids[1] ?? ""]?.inputs ?? {})).toBe(keepLinks);
    }
  });

  test("groups and notes are pasted after those that are there, alone or with nodes, as one step", () => {
    const there = { ...start, groups: [{ title: "First" }], notes: [] };
    const frames = { groups: [{ title: "Plan", at: [0, 0] }], notes: [{ text: "why", at: [40, 60] }] } as const;
    for (const nodes of [new Set<string>(), new Set(["frames"])]) {
      const clip = copyPart(start, ROOT, nodes, frames);
      expect(cornerOf(copyPart(start, ROOT, new Set(), frames))).toEqual([0, 0]);
      const pasted = pasteClip(there, ROOT, clip, [10.4, 20], { keepLinks: false, key: "paste" });
      expect([pasted.ids.length, pasted.groups, pasted.notes]).toEqual([nodes.size, [1], [0]]);
      expect(pasted.edit.label.count).toBe(nodes.size + 2);
      const { document, inverse } = applyPatches(there, pasted.edit.patches);
      expect(document.groups).toEqual([{ title: "First" }, { title: "Plan", at: [10, 20] }]);
      expect(document.notes).toEqual([{ text: "why", at: [50, 80] }]);
      expect(applyPatches(document, inverse).document).toEqual(there);
    }
  });

  test("a copied text is a workflow, and other texts are no clip", () => {
    const clip = copyPart(start, ROOT, new Set(["frames"]));
    expect(readClip(writeClip(clip))).toEqual(clip);
    const plan = { groups: [{ title: "Plan", at: [0, 0] }], notes: [{ text: "why", at: [40, 60] }] } as const;
    const framed = copyPart(start, ROOT, new Set(["frames"]), plan);
    expect(readClip(writeClip(framed))).toEqual({ ...clip, ...plan });
    expect(readClip("a red boat")).toBe(null);
    expect(readClip('{"kinegraph": 1}')).toBe(null);
    expect(readClip('{"a": 1}')).toBe(null);
  });

  test("ids are never taken twice, hold no slash and never look like an index", () => {
    expect(freshId(new Set(["denoise", "denoise_2"]), "denoise")).toBe("denoise_3");
    expect(freshId(new Set(), "some_pack/sharpen")).toBe("sharpen");
    expect(freshId(new Set(), "pack/7")).toBe("node_7");
  });

  test("a node of a subgraph has the sockets that the subgraph exposes", () => {
    const definition = definitionsOf(start, catalogue)("subgraph/refine");
    expect(definition?.inputs.map((socket) => [socket.name, socket.type])).toContainEqual(["positive", "Conditioning"]);
    expect(definition?.inputs.find((socket) => socket.name === "steps")?.default).toBe(30);
    expect(definition?.outputs.map((socket) => socket.type)).toEqual(["Latent"]);
  });

  test("adding a node writes no defaults", () => {
    const definition = catalogue.nodes["denoise"];
    if (!definition) throw new Error("the catalogue has no denoise");
    const { edit, id } = addNode(EMPTY_WORKFLOW, ROOT, definition, [10.4, 20.6]);
    expect(applyPatches(EMPTY_WORKFLOW, edit.patches).document.nodes?.[id]).toEqual({
      type: "denoise",
      version: 1,
      at: [10, 21],
      inputs: {},
    });
  });

  test("a refused link changes nothing", () => {
    const edit = connect(
      start,
      ROOT,
      definitionsOf(start, catalogue),
      { node: "models", output: "vae" },
      { node: "text", input: "encoder" },
    );
    expect(edit.patches).toEqual([]);
  });
});

describe("knobs", () => {
  const socket = (type: string, name: string) => {
    const found = catalogue.nodes[type]?.inputs.find((entry) => entry.name === name);
    if (!found) throw new Error(`${type} has no input ${name}`);
    return found;
  };

  test("limits are the catalogue's", () => {
    const steps = socket("denoise", "steps");
    expect(refuseConstant(steps, 30)).toBe(null);
    expect(refuseConstant(steps, 0)).toEqual({ code: "too_small", limit: "1" });
    expect(refuseConstant(steps, 101)).toEqual({ code: "too_large", limit: "100" });
    expect(refuseConstant(steps, 2.5)).toEqual({ code: "not_whole" });
    expect(refuseConstant(steps, "30")).toEqual({ code: "not_a_number" });
    expect(refuseConstant(socket("denoise", "solver"), "heun")).toEqual({ code: "not_an_option" });
    expect(refuseConstant(socket("load_video", "file"), undefined)).toEqual({ code: "missing" });
    expect(refuseConstant(socket("load_video", "file"), { link: ["a", "b"] })).toBe(null);
  });

  test("a knob is shown only while the one that it depends on allows it", () => {
    const definition = catalogue.nodes["save_image"];
    if (!definition) throw new Error("the catalogue has no save_image");
    const quality = socket("save_image", "quality");
    expect(isShown(quality, definition, {})).toBe(false);
    expect(isShown(quality, definition, { format: "jpeg" })).toBe(true);
    expect(isShown(quality, definition, { format: { link: ["a", "value"] } })).toBe(true);
  });
});

describe("search", () => {
  const entries = Object.values(catalogue.nodes).map((node) => ({
    title: node.title,
    words: [node.id, node.category, ...node.aliases],
  }));
  const first = (query: string) => rank(entries, query)[0]?.title;

  test("finds by title, alias, scattered letters and several words", () => {
    expect(first("denoise")).toBe("Denoise");
    expect(first("ksampler")).toBe("Denoise");
    expect(first("prompt")).toBe("Encode text");
    expect(first("svvid")).toBe("Save video");
    expect(first("video save")).toBe("Save video");
    expect(rank(entries, "zzzz")).toEqual([]);
    // A word of a title counts more than another name of something else.
    expect(rank([{ title: "Encode text", words: ["CLIP"] }, { title: "Trim clip" }], "clip")[0]?.title).toBe(
      "Trim clip",
    );
  });

  test("what is used often stands above its equals, and above the categories while nothing is typed", () => {
    const definitions = Object.values(catalogue.nodes);
    const used = entriesOf(definitions, { trim_clip: 30, integer: 2 });
    expect(used.slice(0, 2).map((entry) => entry.definition.id)).toEqual(["trim_clip", "integer"]);
    expect(rank(used, "clip")[0]?.definition.id).toBe("trim_clip");
    expect(rank(used, "denoise")[0]?.definition.id).toBe("denoise");
  });

  test("filters ask for sockets, a category with those inside it, and a pack", () => {
    const ids = (filters: Partial<Filters>) =>
      Object.values(catalogue.nodes)
        .filter((definition) => fitsFilters(definition, { ...NO_FILTERS, ...filters }))
        .map((definition) => definition.id);
    expect(ids({ takes: "Latent", gives: "Clip" })).toEqual(["vae_decode"]);
    expect(ids({ category: "video" })).toContain("trim_clip");
    expect(ids({ category: "video/ed" })).toEqual([]);
    expect(ids({ pack: "nobody" })).toEqual([]);
  });

  test("a replacement is offered first when it keeps most", () => {
    const workflow = asWorkflow({
      kinegraph: 1,
      nodes: {
        a: { type: "test_pattern" },
        b: { type: "trim_clip", inputs: { clip: { link: ["a", "clip"] } } },
        c: { type: "save_video", inputs: { clip: { link: ["b", "clip"] } } },
      },
    });
    const definitions = definitionsOf(workflow, catalogue);
    const offered = forReplacing(entriesOf(Object.values(catalogue.nodes), {}), workflow, definitions, "b");
    const first = offered[0]?.definition;
    expect(first?.outputs.map((socket) => socket.type)).toContain("Clip");
    expect(first?.inputs.map((socket) => socket.type)).toContain("Clip");
    expect(offered.some((entry) => entry.definition.id === "trim_clip")).toBe(false);
  });
});
