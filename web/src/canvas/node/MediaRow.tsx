import { useSession } from "../../editor/context";
import type { NodeRun } from "../../run/state";
import { Player } from "../Player";

/** What the node made: a video, or a picture. */
export function MediaRow({
  run,
  height,
  what,
}: {
  readonly run: NodeRun | undefined;
  readonly height: number;
  readonly what: "player" | "image";
}) {
  const { services } = useSession();
  const artifact = run?.artifacts.at(-1);
  const name = artifact?.path.split("/").at(-1) ?? "";
  const isImage = artifact?.media_type.startsWith("image/");
  const src =
    what === "image"
      ? isImage && artifact
        ? services.artifactUrl(artifact.digest)
        : run?.preview
      : artifact && services.artifactUrl(artifact.digest);
  if (!src) return null;
  return (
    <div className="row media" style={{ height }}>
      {what === "player" ? <Player key={src} src={src} name={name} /> : <img src={src} alt={name} draggable={false} />}
    </div>
  );
}
