/** Runs the layered layout in a worker, which is loaded when it is first asked for: ELK is larger than the editor. */
import ELK from "elkjs/lib/elk-api";
import workerUrl from "elkjs/lib/elk-worker.min.js?url";
import type { Point } from "../graph/document";
import { fromElk, type LayoutGraph, toElk } from "./elk";

let elk: InstanceType<typeof ELK> | null = null;

/** Places for the boxes of a graph, its corner at `origin`. Rejects when the layout fails. */
export async function layOutLayered(graph: LayoutGraph, origin: Point): Promise<Map<string, Point>> {
  elk ??= new ELK({ workerFactory: () => new Worker(workerUrl) });
  return fromElk(graph, await elk.layout(toElk(graph)), origin);
}
