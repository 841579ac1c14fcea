/** Tells, by the system's own notices, of jobs that end while nobody looks at the page. */
import type { StoreApi } from "zustand/vanilla";
import type { EventEntry } from "../api/types";
import { t } from "../i18n";
import type { Connection } from "./connection";
import type { Settings } from "./settings/settings";

/** Follow the events for as long as the page lives; `titleOf` knows the names of jobs. */
export function tellOfEnds(
  connection: Connection,
  settings: StoreApi<Settings>,
  titleOf: (job: string) => string | undefined,
): void {
  const nothing = () => undefined;
  connection.join({
    onCatalogue: nothing,
    onOnline: nothing,
    onJobs: nothing,
    onQueued: nothing,
    onEvent: (event) => {
      const key = endOf(event);
      if (key === null || !document.hidden || !settings.getState().notify) return;
      if (!("Notification" in window) || Notification.permission !== "granted") return;
      new Notification(t(key, { name: titleOf(event.job) || t("app.untitled") }), { tag: event.job });
    },
  });
}

function endOf({ kind, data }: EventEntry): "run.ended" | "run.failed" | null {
  if (kind !== "job_state") return null;
  const state = data["state"];
  if (state === "succeeded") return "run.ended";
  return state === "failed" || state === "interrupted" ? "run.failed" : null;
}
