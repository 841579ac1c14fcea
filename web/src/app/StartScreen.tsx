import { FolderOpen, Plus, Workflow as WorkflowIcon } from "lucide-react";
import { useEffect, useState } from "react";
import { useStore } from "zustand";
import { nodesOf } from "../graph/document";
import { readWorkflow } from "../graph/read";
import { t } from "../i18n";
import { commandById } from "./commands";
import { openText, TEMPLATES } from "./files";
import { useWorkplace } from "./workplaceContext";

type Template = { readonly name: string; readonly text: string; readonly title: string; readonly count: number };

/** What an empty canvas offers. */
export function StartScreen() {
  const place = useWorkplace();
  const { phase, message } = useStore(place.connection.phase);
  const templates = useTemplates();
  if (phase === "signed_out") return <div className="start notice">{t("app.signed_out")}</div>;
  if (phase === "failed") return <div className="start notice">{t("app.catalogue_failed", { message })}</div>;
  return (
    <div className="start">
      <h1>{t("start.title")}</h1>
      <div className="start-cards">
        {templates.map((template) => (
          <button key={template.name} type="button" onClick={() => openText(place, template.text, template.title)}>
            <WorkflowIcon size={18} />
            <strong>{template.title}</strong>
            <span>{t("start.nodes", { count: template.count })}</span>
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
  );
}

function useTemplates(): readonly Template[] {
  const [templates, setTemplates] = useState<readonly Template[]>([]);
  useEffect(() => {
    let here = true;
    void Promise.all(
      TEMPLATES.map(async ({ name, load }) => {
        const text = await load();
        const workflow = readWorkflow(text);
        return { name, text, title: workflow.title || name, count: Object.keys(nodesOf(workflow)).length };
      }),
    ).then((loaded) => here && setTemplates(loaded));
    return () => {
      here = false;
    };
  }, []);
  return templates;
}
