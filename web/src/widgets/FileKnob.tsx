import { Upload } from "lucide-react";
import { type ClipboardEvent, type DragEvent, useMemo, useRef, useState } from "react";
import { useSession } from "../editor/context";
import { t } from "../i18n";
import { FilePreview } from "../media/FilePreview";
import { ModelKnob } from "./ModelKnob";
import { Picker } from "./Picker";
import { TextKnob } from "./TextKnob";
import { effective, type KnobProps } from "./types";

/** A file: of the uploads folder with its picture, a model, or the name of a file in another folder. */
export function FileKnob(props: KnobProps) {
  const widget = props.socket.widget;
  if (widget?.kind !== "file" || widget.root === "outputs") return <TextKnob {...props} />;
  if (widget.root === "models") return <ModelKnob {...props} extensions={widget.extensions} />;
  return <UploadKnob {...props} extensions={widget.extensions} />;
}

/** Choose a file, bring one, drop one here, or paste one. */
function UploadKnob({ extensions, ...props }: KnobProps & { readonly extensions: readonly string[] }) {
  const { services } = useSession();
  const [names, setNames] = useState<readonly string[]>([]);
  const [busy, setBusy] = useState(false);
  const [over, setOver] = useState(false);
  const picker = useRef<HTMLInputElement>(null);
  const value = effective(props);
  const chosen = typeof value === "string" ? value : "";
  const options = useMemo(() => optionsOf(names, chosen, extensions), [names, chosen, extensions]);

  async function list() {
    setNames(await services.uploads());
  }

  async function bring(file: File | undefined) {
    if (!file) return;
    setBusy(true);
    try {
      props.onChange(await services.upload(file));
    } catch (error) {
      services.tell(error instanceof Error ? error.message : String(error), "error");
    } finally {
      setBusy(false);
    }
  }

  function onDrop(event: DragEvent) {
    setOver(false);
    if (event.dataTransfer.files.length === 0) return;
    event.preventDefault();
    event.stopPropagation();
    void bring(event.dataTransfer.files[0]);
  }

  function onDragOver(event: DragEvent) {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    event.stopPropagation();
    setOver(true);
  }

  function onPaste(event: ClipboardEvent) {
    const file = event.clipboardData.files[0];
    if (!file) return;
    event.preventDefault();
    event.stopPropagation();
    void bring(file);
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping and pasting are more ways; the button and the list are the others
    <div
      className="file-knob"
      data-over={over}
      onDrop={onDrop}
      onDragOver={onDragOver}
      onDragLeave={() => setOver(false)}
      onPaste={onPaste}
    >
      <div className="with-buttons">
        <Picker
          id={props.id}
          label={props.label}
          options={options}
          chosen={chosen}
          shown={busy ? t("widget.uploading") : chosen || t("widget.choose_file")}
          invalid={props.problem !== null}
          onPick={props.onChange}
          onOpen={() => void list()}
        />
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
          onChange={(event) => {
            void bring(event.target.files?.[0]);
            event.target.value = "";
          }}
        />
      </div>
      {chosen !== "" && <FilePreview name={chosen} src={services.uploadUrl(chosen)} />}
    </div>
  );
}

/** Files that fit, and the chosen one though it may not be there. */
function optionsOf(names: readonly string[], chosen: string, extensions: readonly string[]) {
  const fits = (name: string) => extensions.length === 0 || extensions.some((end) => name.toLowerCase().endsWith(end));
  const fitting = names.filter(fits);
  const all = chosen && !fitting.includes(chosen) ? [chosen, ...fitting] : fitting;
  return all.map((name) => ({ key: name, title: name }));
}
