import { Copy, ScrollText } from "lucide-react";
import { useRef, useState } from "react";
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
    <div className="row fault" style={{ height }}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long message is scrolled, by the arrow keys too */}
      <div className="fault-text nowheel" title={report} tabIndex={0}>
        <strong>{fault.message}</strong>
        {fault.hint && <span>{fault.hint}</span>}
      </div>
      {fault.traceback && <Traceback text={report} />}
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

/** The whole report, one click away. */
function Traceback({ text }: { readonly text: string }) {
  const element = useRef<HTMLDialogElement>(null);
  return (
    <>
      <button
        type="button"
        className="icon-button small nodrag"
        title={t("node.traceback")}
        aria-label={t("node.traceback")}
        onClick={() => element.current?.showModal()}
      >
        <ScrollText size={13} />
      </button>
      <dialog ref={element} className="traceback popup nodrag nowheel" aria-label={t("node.traceback")}>
        <pre>{text}</pre>
        <form method="dialog">
          <button type="submit">{t("panel.close")}</button>
        </form>
      </dialog>
    </>
  );
}
