import { useSession } from "../../editor/context";
import { t } from "../../i18n";
import { comparing } from "../../media/comparing";
import { nameOf, Pictures } from "../../media/Pictures";
import { Player } from "../../media/Player";
import { Sound } from "../../media/Sound";
import { loadResult } from "../../media/use";
import type { Artifact } from "../../run/events";
import type { NodeRun } from "../../run/state";

type MediaRowProps = {
  readonly id: string;
  readonly run: NodeRun | undefined;
  readonly height: number;
  readonly what: "player" | "image" | "sound";
};

/** What the node made: a video, pictures, a sound, or what it is making just now. */
export function MediaRow({ id, run, height, what }: MediaRowProps) {
  const session = useSession();
  const { services } = session;
  const artifact = run?.artifacts.at(-1);
  const onUse = (made: Artifact) => {
    const name = nameOf(made);
    loadResult(session, id, made).then(
      (added) => services.tell(t(added === null ? "media.no_loader" : "media.used", { name })),
      (error: unknown) => services.tell(error instanceof Error ? error.message : String(error), "error"),
    );
  };
  const onCompare = (made: Artifact) => comparing.getState().choose(made, services.tell);
  return (
    <div className="row media" style={{ height }}>
      {what === "image" && artifact?.media_type.startsWith("image/") && run ? (
        <Pictures
          pictures={run.artifacts.filter((entry) => entry.media_type.startsWith("image/"))}
          onUse={onUse}
          onCompare={onCompare}
        />
      ) : what === "image" ? (
        run?.preview && <img src={run.preview} alt="" draggable={false} />
      ) : (
        artifact && (
          <Result
            key={artifact.digest}
            what={what}
            src={services.artifactUrl(artifact.digest)}
            name={nameOf(artifact)}
            onUse={() => onUse(artifact)}
            onCompare={() => onCompare(artifact)}
          />
        )
      )}
    </div>
  );
}

function Result({
  what,
  onCompare,
  ...props
}: {
  readonly what: "player" | "sound";
  readonly src: string;
  readonly name: string;
  readonly onUse: () => void;
  readonly onCompare: () => void;
}) {
  return what === "sound" ? <Sound {...props} /> : <Player {...props} onCompare={onCompare} />;
}
