import { Copy } from "lucide-react";
import { useState } from "react";
import { useSession } from "../../editor/context";
import { t } from "../../i18n";
import type { NodeRun } from "../../run/state";

/** Why the node failed, with a report to copy. */
export function FaultRow({
  id,
  run,
  height,
}: {
  readonly id: string;
  readonly run: NodeRun | undefined;
  readonly height: number;
}) {
  const { services } = useSession();
  const [copied, setCopied] = useState(false);
  const fault = run?.fault;
  if (!fault) return null;
  const report = [`${id}: ${fault.message}`, fault.hint, fault.traceback].filter(Boolean).join("\n\n");
  async function copy() {
    await navigator.clipboard.writeText(report);
    setCopied(true);
    services.tell(t("node.copied"));
  }
  return (
    <div className="row fault" style={{ height }} role="alert">
      <div className="fault-text nowheel" title={report}>
        <strong>{fault.message}</strong>
        {fault.hint && <span>{fault.hint}</span>}
      </div>
      <button
        type="button"
        className="icon-button small nodrag"
        title={t("node.copy_report")}
        aria-label={t("node.copy_report")}
        onClick={() => void copy()}
        data-done={copied}
      >
        <Copy size={13} />
      </button>
    </div>
  );
}
