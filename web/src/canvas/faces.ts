/** What a run shows on a node: whether there is a player, a picture or an error on its face. */
import { localRuns } from "../run/local";
import type { NodeRun, RunState } from "../run/state";
import { type Face, PLAIN_FACE } from "./shape";

export function faceOf(run: NodeRun | undefined): Face {
  if (!run) return PLAIN_FACE;
  const type = run.artifacts.at(-1)?.media_type ?? "";
  const media = type.startsWith("video/")
    ? "player"
    : type.startsWith("audio/")
      ? "sound"
      : type.startsWith("image/") || run.preview
        ? "image"
        : "none";
  const fault = run.state === "failed" && run.fault !== null;
  return media === "none" && !fault ? PLAIN_FACE : { media, fault };
}

/** All faces of a scope that are not plain, as one text: it stays the same while progress goes on, as the shapes do. */
export function facesKey(state: RunState, trail: readonly string[]): string {
  const parts: string[] = [];
  for (const [id, run] of localRuns(state.nodes, trail)) {
    const face = faceOf(run);
    if (face !== PLAIN_FACE) parts.push(`${id}\t${face.media}\t${face.fault}`);
  }
  return parts.join("\n");
}
