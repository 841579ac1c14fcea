import { Maximize, Minus, Plus } from "lucide-react";
import { useView } from "../editor/context";
import { t } from "../i18n";
import { commandById } from "./commands";
import { useWorkplace } from "./workplaceContext";

/** Zoom, in the corner. */
export function ZoomBar() {
  const place = useWorkplace();
  const zoom = useView((view) => Math.round(view.viewport.zoom * 100));
  const run = (id: string) => () => commandById(id)?.run(place);
  return (
    <div className="zoom-bar">
      <button
        type="button"
        className="icon-button small"
        title={t("cmd.zoom_out")}
        aria-label={t("cmd.zoom_out")}
        onClick={run("zoom_out")}
      >
        <Minus size={14} />
      </button>
      <button type="button" className="zoom-value" title={t("cmd.zoom_reset")} onClick={run("zoom_reset")}>
        {zoom} %
      </button>
      <button
        type="button"
        className="icon-button small"
        title={t("cmd.zoom_in")}
        aria-label={t("cmd.zoom_in")}
        onClick={run("zoom_in")}
      >
        <Plus size={14} />
      </button>
      <button
        type="button"
        className="icon-button small"
        title={t("cmd.fit")}
        aria-label={t("cmd.fit")}
        onClick={run("fit")}
      >
        <Maximize size={14} />
      </button>
    </div>
  );
}
