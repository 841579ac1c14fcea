import { AlertTriangle } from "lucide-react";
import { useStore } from "zustand";
import { t } from "../i18n";
import { choose } from "./saving";
import type { Tab } from "./tabs";
import { choicesOf, sayTrouble } from "./trouble";
import { useWorkplace } from "./workplaceContext";

/** Says above the canvas that the tab in view is not saved, and offers the ways out; nothing waits for an answer. */
export function SavingNotice({ tab }: { readonly tab: Tab }) {
  const place = useWorkplace();
  const trouble = useStore(tab.place, (state) => state.trouble);
  // The sentence has the document's name.
  useStore(tab.editor.document, (state) => state.history.document.title);
  return (
    <div role="alert">
      {trouble && (
        <div className="saving-notice">
          <AlertTriangle size={15} />
          <p>
            {sayTrouble(tab, trouble)}. <span>{t(`ask.conflict_text.${trouble.kind}`)}</span>
          </p>
          {choicesOf(trouble).map(({ id, label, kind }) => (
            <button
              key={id}
              type="button"
              className={`button ${kind ?? ""}`}
              onClick={() => void choose(place, tab, id)}
            >
              {label}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
