import type { InputSocket, NodeDefinition, OutputSocket } from "../graph/catalogue";
import { isNumeric } from "../graph/catalogue";
import { t } from "../i18n";
import { CloseButton } from "./CloseButton";
import { useDialog } from "./useDialog";
import { useUi, useWorkplace } from "./workplaceContext";

/** All that a node's author says of it: what it does, takes and gives, within which limits. */
export function HelpDialog() {
  const place = useWorkplace();
  const type = useUi((ui) => ui.helpOf);
  const dialog = useDialog(() => place.ui.setState({ dialog: null }));
  const definition = type === null ? undefined : place.editor.definitions(type);
  return (
    <dialog className="help popup" aria-label={t("help.title")} {...dialog}>
      <CloseButton />
      {definition ? <Help definition={definition} /> : <p>{t("node.unknown_help", { type: type ?? "" })}</p>}
    </dialog>
  );
}

function Help({ definition }: { readonly definition: NodeDefinition }) {
  const wires = definition.inputs.filter((socket) => socket.wire);
  const knobs = definition.inputs.filter((socket) => !socket.wire);
  return (
    <article>
      <h2>{definition.title}</h2>
      {definition.help.split("\n\n").map((paragraph) => (
        <p key={paragraph}>{paragraph}</p>
      ))}
      <Sockets title={t("search.inputs")} sockets={wires} />
      <Sockets title={t("help.knobs")} sockets={knobs} />
      <Sockets title={t("search.outputs")} sockets={definition.outputs} />
      <footer>
        {definition.id} · {t("workflows.version", { count: definition.version })}
        {definition.aliases.length > 0 && ` · ${t("search.aliases", { names: definition.aliases.join(", ") })}`}
      </footer>
    </article>
  );
}

function Sockets({
  title,
  sockets,
}: {
  readonly title: string;
  readonly sockets: readonly (InputSocket | OutputSocket)[];
}) {
  if (sockets.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <dl>
        {sockets.map((socket) => (
          <div key={socket.name}>
            <dt>
              {socket.name} <em>{socket.type}</em>
            </dt>
            <dd>
              {socket.help}
              {"wire" in socket && <span>{limitsIn(socket)}</span>}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** Range, step, options and default of a knob, in words. */
function limitsIn({ widget, required, default: usual }: InputSocket): string {
  const parts: string[] = [];
  if (isNumeric(widget)) {
    const { min, max, unit } = widget;
    if (min !== undefined && max !== undefined) parts.push(t("help.range", { min, max, unit: unit ?? "" }).trim());
    else if (min !== undefined) parts.push(t("limit.too_small", { limit: min }));
  }
  if (widget?.kind === "choice") parts.push(widget.options.join(", "));
  if (usual !== undefined && usual !== null && usual !== "")
    parts.push(t("help.default", { value: JSON.stringify(usual) }));
  if (required) parts.push(t("help.required"));
  return parts.join(" · ");
}
