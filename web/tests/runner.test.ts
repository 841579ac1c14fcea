import { beforeEach, describe, expect, test, vi } from "vitest";
import * as client from "../src/api/client";
import type { EventEntry } from "../src/api/types";
import type { Connection, Listener } from "../src/app/connection";
import { Runner } from "../src/app/runner";
import { Editor } from "../src/editor/store";
import { nodesOf } from "../src/graph/document";
import { asWorkflow } from "../src/graph/read";
import { newEntry } from "../src/run/state";
import { catalogue } from "./toys";

vi.mock("../src/api/client", { spy: true });

const REFUSED = new client.ApiError(422, "bad", "no");

/** An open document with a seed that counts, and its runner, on a connection that only notes what it is asked. */
function opened() {
  const node = { type: "denoise", inputs: { seed: 5 }, seeds: { seed: "increment" } };
  const editor = new Editor(asWorkflow({ kinegraph: 1, nodes: { a: node } }), catalogue);
  const listeners: Listener[] = [];
  const connection = {
    join: (listener: Listener) => {
      listeners.push(listener);
      return () => undefined;
    },
    replay: vi.fn(),
    queued: (entry: ReturnType<typeof newEntry>) => listeners[0]?.onQueued(entry),
    refreshJobs: async () => undefined,
  };
  const tell = vi.fn();
  const runner = new Runner(editor, connection as unknown as Connection, tell);
  const happens = (job: string, seq: number, state: string) =>
    listeners[0]?.onEvent({ job, seq, number: seq, at: seq, kind: "job_state", data: { state } } as EventEntry);
  return { editor, runner, tell, happens, listener: listeners[0] as Listener };
}

const seedOf = ({ editor }: { readonly editor: Editor }) => nodesOf(editor.workflow)["a"]?.inputs?.["seed"];

let count = 0;
const answer = async () => {
  count += 1;
  return { id: `job${count}`, title: "", created_at: count } as Awaited<ReturnType<typeof client.submitJob>>;
};

beforeEach(() => {
  count = 0;
  vi.mocked(client.submitJob).mockReset().mockImplementation(answer);
  vi.mocked(client.retryJob).mockReset().mockImplementation(answer);
});

describe("a run from the editor", () => {
  test("uses its seeds up when it is accepted, and none when it is refused", async () => {
    const desk = opened();
    vi.mocked(client.submitJob).mockRejectedValueOnce(REFUSED);
    await desk.runner.submit();
    expect(seedOf(desk)).toBe(5);
    expect(desk.editor.document.getState().history.past).toEqual([]);
    await desk.runner.submit({ count: 2 });
    expect(
      vi.mocked(client.submitJob).mock.calls.map(([sent]) => nodesOf(asWorkflow(sent as never))["a"]?.inputs),
    ).toEqual([{ seed: 6 }, { seed: 6 }, { seed: 7 }]);
    expect(seedOf(desk)).toBe(7);
  });

  test("of a batch goes on to the next job, until the user chooses another", async () => {
    const { runner, happens } = opened();
    const shown = () => runner.run.getState().shown;
    await runner.submit({ count: 3 });
    expect(shown()).toBe("job1");
    happens("job1", 1, "running");
    happens("job1", 2, "succeeded");
    expect(shown()).toBe("job1");
    happens("job3", 1, "running"); // was moved before the other
    expect(shown()).toBe("job3");
    runner.show("job1");
    happens("job3", 2, "succeeded");
    happens("job2", 1, "running");
    expect(shown()).toBe("job1");
  });

  test("of a batch stays away from a job that was chosen while the batch was being queued", async () => {
    const { runner, happens } = opened();
    vi.mocked(client.submitJob).mockImplementationOnce(answer);
    vi.mocked(client.submitJob).mockImplementationOnce(() => {
      runner.show("chosen");
      return answer();
    });
    await runner.submit({ count: 3 });
    happens("job2", 1, "running");
    expect(runner.run.getState().shown).toBe("chosen");
  });

  test("is shown when it is run again, where the canvas showed it", async () => {
    const { runner, happens, listener } = opened();
    await runner.submit();
    happens("job1", 1, "running");
    happens("job1", 2, "canceled");
    await runner.retry("job1");
    expect(runner.run.getState().shown).toBe("job2");
    listener.onQueued(newEntry("elsewhere", "", 1));
    await runner.retry("elsewhere");
    expect(runner.run.getState().shown).toBe("job2");
  });

  test("is being canceled as soon as that is asked for, unless it is refused", async () => {
    const { runner, happens } = opened();
    await runner.submit();
    happens("job1", 1, "running");
    const canceling = () => runner.run.getState().jobs[0]?.canceling;
    let refuse = (_: Error) => undefined as unknown;
    vi.mocked(client.cancelJob).mockImplementationOnce(() => new Promise((_, reject) => (refuse = reject)));
    const asked = runner.cancel("job1");
    expect(canceling()).toBe(true);
    refuse(REFUSED);
    await asked;
    expect(canceling()).toBe(false);
  });

  test("that was lost with its server is told of, once", async () => {
    const { runner, happens, tell, listener } = opened();
    await runner.submit();
    happens("job1", 1, "running");
    listener.onJobs([{ ...newEntry("job1", "Boat", 1), state: "interrupted" }]);
    happens("job1", 2, "interrupted");
    expect(tell.mock.calls).toEqual([[expect.stringContaining("“Boat” was lost"), "error"]]);
  });
});
