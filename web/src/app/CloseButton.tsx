import { X } from "lucide-react";
import { t } from "../i18n";

/** Closes the dialog that it stands in; the one thing to focus in a dialog that is only read, so that keys scroll it. */
export function CloseButton() {
  return (
    <form method="dialog" className="dialog-close">
      <button type="submit" className="icon-button small" title={t("panel.close")} aria-label={t("panel.close")}>
        <X size={15} />
      </button>
    </form>
  );
}
