import type { NodeDefinition } from "../../graph/catalogue";
import { t } from "../../i18n";
import { useCanvas } from "../context";
import { words } from "../words";
import { packOf } from "./entries";

/** The pack that comes with Kinegraph, which needs no mention. */
const BUILT_IN = "nodes";

/** What a node is, what it takes and what it gives. */
export function HelpCard({ definition }: { readonly definition: NodeDefinition }) {
  const canvas = useCanvas();
  const pack = packOf(definition);
  const sides = [
    ["search.inputs", definition.inputs.filter((socket) => !socket.advanced)],
    ["search.outputs", definition.outputs],
  ] as const;
  return (
    <div className="help-card">
      <h4>{definition.title}</h4>
      <p>{definition.help.split("\n\n")[0]}</p>
      {sides.map(([key, sockets]) =>
        sockets.length === 0 ? null : (
          <section key={key}>
            <h5>{t(key)}</h5>
            {sockets.map((socket) => (
              <div key={socket.name} className="help-socket" title={socket.help}>
                <i style={{ background: canvas.colorOf(socket.type) }} />
                <span>{words(socket.name)}</span>
                <em>{socket.type}</em>
              </div>
            ))}
          </section>
        ),
      )}
      <footer>
        {definition.id}
        {pack && pack !== BUILT_IN ? ` · ${t("search.pack", { pack })}` : ""}
        {definition.aliases.length > 0 && <div>{t("search.aliases", { names: definition.aliases.join(", ") })}</div>}
      </footer>
    </div>
  );
}
