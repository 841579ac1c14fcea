import { ChevronRight, Pencil } from "lucide-react";
import { useState } from "react";
import { useDocument, useEditor } from "../../editor/context";
import { scopeAt } from "../../graph/document";
import { follow, instancesOf } from "../../graph/scopes";
import { setSubgraphTitle } from "../../graph/subgraphs";
import { t } from "../../i18n";
import { TitleField } from "../TitleField";

/** Where one is among subgraphs, the way back out, and the name of the one that is open. */
export function Breadcrumbs() {
  const editor = useEditor();
  const workflow = useDocument((state) => state.history.document);
  const trail = useDocument((state) => state.trail);
  const [renaming, setRenaming] = useState(false);
  const [, subgraph] = useDocument((state) => state.scope);
  if (trail.length === 0 || subgraph === undefined) return null;
  const steps = ["", ...trail].map((_, depth) => {
    const inner = trail.slice(0, depth);
    const title = scopeAt(workflow, follow(workflow, inner).path).title;
    return { inner, key: inner.join("/"), title: title || t(depth === 0 ? "app.untitled" : "subgraph.untitled") };
  });
  const here = steps.pop();
  const uses = [...instancesOf(workflow, subgraph)].length;
  const rename = (title: string | null) => {
    setRenaming(false);
    if (title?.trim()) editor.perform(setSubgraphTitle(subgraph, title.trim()));
  };
  return (
    <nav className="breadcrumbs" aria-label={t("subgraph.path")}>
      {steps.map(({ inner, key, title }) => (
        <span key={key}>
          <button type="button" onClick={() => editor.goInto(inner)}>
            {title}
          </button>
          <ChevronRight size={13} aria-hidden />
        </span>
      ))}
      {renaming ? (
        <TitleField title={here?.title ?? ""} onDone={rename} />
      ) : (
        <button
          type="button"
          className="here"
          aria-current="page"
          title={t("subgraph.rename")}
          onClick={() => setRenaming(true)}
        >
          {here?.title}
          <Pencil size={11} aria-hidden />
        </button>
      )}
      {uses > 1 && <em>{t("subgraph.shared", { count: uses })}</em>}
    </nav>
  );
}
