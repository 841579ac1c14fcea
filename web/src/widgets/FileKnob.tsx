import { ChevronDown, Upload } from "lucide-react";
import { type DragEvent, useRef, useState } from "react";
import { useSession } from "../editor/context";
import { t } from "../i18n";
import { effective, type KnobProps } from "./types";

/** A file of the uploads folder: choose one, bring one, or drop one here. */
export function FileKnob(props: KnobProps) {
  const { services } = useSession();
  const [names, setNames] = useState<readonly string[]>([]);
  const [busy, setBusy] = useState(false);
  const picker = useRef<HTMLInputElement>(null);
  const widget = props.socket.widget;
  const extensions = widget?.kind === "file" ? widget.extensions : [];
  const value = effective(props);
  const chosen = typeof value === "string" ? value : "";
  const fitting = names.filter(
    (name) => extensions.length === 0 || extensions.some((end) => name.toLowerCase().endsWith(end)),
  );
  const shown = chosen && !fitting.includes(chosen) ? [chosen, ...fitting] : fitting;

  async function list() {
    setNames(await services.uploads());
  }

  async function bring(file: File | undefined) {
    if (!file) return;
    setBusy(true);
    try {
      props.onChange(await services.upload(file));
      await list();
    } catch (error) {
      services.tell(error instanceof Error ? error.message : String(error), "error");
    } finally {
      setBusy(false);
    }
  }

  function onDrop(event: DragEvent) {
    event.preventDefault();
    event.stopPropagation();
    void bring(event.dataTransfer.files[0]);
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is one more way; the button and the menu are the others
    <div className="seed" onDrop={onDrop} onDragOver={(event) => event.preventDefault()}>
      <div className="field choice nodrag" data-invalid={props.problem !== null}>
        <label htmlFor={props.id}>{props.label}</label>
        <select
          id={props.id}
          value={chosen}
          aria-invalid={props.problem !== null}
          onFocus={() => void list()}
          onPointerDown={() => void list()}
          onChange={(event) => props.onChange(event.target.value)}
        >
          <option value="">{busy ? t("widget.uploading") : t("widget.choose_file")}</option>
          {shown.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <ChevronDown size={12} aria-hidden />
      </div>
      <button
        type="button"
        className="icon-button small nodrag"
        title={t("widget.upload")}
        aria-label={t("widget.upload")}
        onClick={() => picker.current?.click()}
      >
        <Upload size={14} />
      </button>
      <input
        ref={picker}
        type="file"
        hidden
        accept={extensions.join(",")}
        onChange={(event) => void bring(event.target.files?.[0])}
      />
    </div>
  );
}
