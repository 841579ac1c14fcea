import { useMemo, useState } from "react";
import { beginAt, type PortEnd } from "../canvas/connecting";
import { currentCard, focusCard } from "../canvas/keyboard/focus";
import { titleIn } from "../canvas/keyboard/say";
import { words } from "../canvas/words";
import type { Editor } from "../editor/store";
import type { InputEnd, OutputEnd } from "../graph/connect";
import { nodesOf } from "../graph/document";
import { connect } from "../graph/edits";
import { linkOffers, linksAt, type Pair } from "../graph/offers";
import { disconnect } from "../graph/removing";
import { t } from "../i18n";
import { placeForNew, searchAt } from "./commands/view";
import { type Choice, PickDialog } from "./PickDialog";
import type { Workplace } from "./workplace";
import { useWorkplace } from "./workplaceContext";

type Kind = "link" | "cut" | "follow";

/** Picks among the links of the node that the keyboard is at: one to make, to cut, or to go along. */
export function LinkDialog({ kind }: { readonly kind: Kind }) {
  const place = useWorkplace();
  const { editor, ui } = place;
  // What has the focus is known before the dialog takes it.
  const [[id, port]] = useState(() => [currentCard(editor) ?? "", portInFocus()] as const);
  const choices = useMemo(() => choicesOf(place, kind, id, port), [place, kind, id, port]);
  const name = titleIn(editor.scope, editor.definitions, id);
  return (
    <PickDialog
      label={t(`links.${kind}`, { name })}
      placeholder={t(`links.${kind}`, { name })}
      nothing={t(kind === "link" ? "links.nothing_fits" : "links.nothing")}
      choices={choices}
      onClose={() => ui.setState(({ dialog }) => (dialog === kind ? { dialog: null } : {}))}
    />
  );
}

function choicesOf(place: Workplace, kind: Kind, id: string, port: PortEnd | null): Choice[] {
  const { editor } = place;
  if (!nodesOf(editor.scope)[id]) return [];
  const isMeant = ({ from, to }: Pair) =>
    port === null ||
    (port.side === "output"
      ? from.node === port.end.node && from.output === port.end.output
      : to.node === port.end.node && to.input === port.end.input);
  if (kind === "link") return [...offered(editor, id, isMeant), ...toNew(place, id, isMeant)];
  return linksAt(editor.scope, id)
    .filter(isMeant)
    .map((pair) => ({
      ...worded(editor, id, pair),
      run: () =>
        kind === "cut"
          ? editor.edit((workflow, path) => disconnect(workflow, path, [pair.to]))
          : focusCard(editor, pair.from.node === id ? pair.to.node : pair.from.node),
    }));
}

/** The links that can be made between this node and what is there. */
function offered(editor: Editor, id: string, isMeant: (pair: Pair) => boolean): Choice[] {
  return linkOffers(editor.scope, editor.definitions, id)
    .filter(isMeant)
    .map((offer) => ({
      ...worded(editor, id, offer),
      aside: (
        <em>
          {offer.replaces
            ? t("links.replaces", { name: endInWords(editor, offer.replaces), type: offer.type })
            : offer.type}
        </em>
      ),
      run: () => editor.edit((workflow, path) => connect(workflow, path, editor.definitions, offer.from, offer.to)),
    }));
}

/** A link to a node that is asked for next, from each port. */
function toNew(place: Workplace, id: string, isMeant: (pair: Pair) => boolean): Choice[] {
  const { editor } = place;
  const definition = editor.definitions(nodesOf(editor.scope)[id]?.type ?? "");
  if (!definition) return [];
  const nobody = { from: { node: "", output: "" }, to: { node: "", input: "" } };
  const choice = (port: PortEnd, name: string, key: "links.to_new" | "links.from_new", type: string): Choice => ({
    id: `new ${port.side} ${name}`,
    title: t(key, { name: words(name) }),
    aside: <em>{type}</em>,
    run: () => {
      const at = placeForNew(place, port.side === "input" ? "before" : "after");
      searchAt(place, at, beginAt(editor, port, at));
    },
  });
  return [
    ...definition.outputs
      .filter(({ name }) => isMeant({ ...nobody, from: { node: id, output: name } }))
      .map(({ name, type }) => choice({ side: "output", end: { node: id, output: name } }, name, "links.to_new", type)),
    ...definition.inputs
      .filter(({ name, wire }) => wire && isMeant({ ...nobody, to: { node: id, input: name } }))
      .map(({ name, type }) => choice({ side: "input", end: { node: id, input: name } }, name, "links.from_new", type)),
  ];
}

/** A link as seen from one of its nodes. */
function worded(editor: Editor, id: string, { from, to }: Pair) {
  const [own, arrow, other] =
    from.node === id ? [from.output, "→", endInWords(editor, to)] : [to.input, "←", endInWords(editor, from)];
  return { id: `${from.node}.${from.output} ${to.node}.${to.input}`, title: `${words(own)} ${arrow} ${other}` };
}

function endInWords({ scope, definitions }: Editor, end: OutputEnd | InputEnd): string {
  const title = titleIn(scope, definitions, end.node);
  return `${title}: ${words("output" in end ? end.output : end.input)}`;
}

/** The port that has the focus, to which the choice is narrowed. */
function portInFocus(): PortEnd | null {
  const { port, node, name } = document.activeElement instanceof HTMLElement ? document.activeElement.dataset : {};
  if (node === undefined || name === undefined || port === undefined) return null;
  return port === "output"
    ? { side: "output", end: { node, output: name } }
    : { side: "input", end: { node, input: name } };
}
