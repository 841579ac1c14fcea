import { FolderOpen, Plus, Workflow as WorkflowIcon } from "lucide-react";
import { type MouseEvent, useEffect, useState } from "react";
import { useStore } from "zustand";
import { listTemplates, openTemplate } from "../api/library";
import type { TemplateEntry } from "../api/types";
import { t } from "../i18n";
import { commandById } from "./commands";
import { openText } from "./files";
import { attempt } from "./opening";
import type { Workplace } from "./workplace";
import { useWorkplace } from "./workplaceContext";

/** What an empty canvas offers. */
export function StartScreen() {
  const place = useWorkplace();
  const { phase, message } = useStore(place.connection.phase);
  const templates = useTemplates();
  if (phase === "signed_out") return <Notice text={t("app.signed_out")} />;
  if (phase === "failed") return <Notice text={t("app.catalogue_failed", { message })} />;
  // It lies over the canvas, and is one to whoever double-clicks beside its buttons.
  const onDoubleClick = ({ target }: MouseEvent) =>
    !(target as Element).closest("button") && commandById("search")?.run(place);
  return (
    <div className="start">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: its buttons, and Space, do the same */}
      <div className="start-box" onDoubleClick={onDoubleClick}>
        <h1>{t("start.title")}</h1>
        <div className="start-cards">
          {templates.map((template) => (
            <button key={template.name} type="button" onClick={() => void openNamed(place, template)}>
              <WorkflowIcon size={18} />
              <strong>{template.title}</strong>
              <span>{template.description}</span>
              <em>{t("start.nodes", { count: template.nodes })}</em>
            </button>
          ))}
          <button type="button" onClick={() => commandById("search")?.run(place)}>
            <Plus size={18} />
            <strong>{t("start.blank")}</strong>
            <span>{t("start.blank_hint")}</span>
          </button>
          <button type="button" onClick={() => commandById("open")?.run(place)}>
            <FolderOpen size={18} />
            <strong>{t("start.open")}</strong>
            <span>{t("start.open_hint")}</span>
          </button>
        </div>
        <p>{t("start.hint")}</p>
      </div>
    </div>
  );
}

function Notice({ text }: { readonly text: string }) {
  return (
    <div className="start">
      <div className="start-box notice">{text}</div>
    </div>
  );
}

/** Open a template in a tab. */
async function openNamed(place: Workplace, { name, title }: TemplateEntry): Promise<void> {
  await attempt(place, async () => openText(place, JSON.stringify((await openTemplate(name)).workflow), title));
}

/** The templates that the server ships, once it answers. */
function useTemplates(): readonly TemplateEntry[] {
  const { connection } = useWorkplace();
  const phase = useStore(connection.phase, (state) => state.phase);
  const [templates, setTemplates] = useState<readonly TemplateEntry[]>([]);
  useEffect(() => {
    if (phase !== "ready") return;
    let here = true;
    listTemplates().then(
      ({ templates: found }) => here && setTemplates(found.toSorted((one, other) => order(one) - order(other))),
      () => undefined,
    );
    return () => {
      here = false;
    };
  }, [phase]);
  return templates;
}

/** What most people come for stands first. */
function order({ name }: TemplateEntry): number {
  return name === "text_to_video" ? 0 : 1;
}
