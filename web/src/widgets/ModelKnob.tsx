import { useMemo, useState } from "react";
import { type KnownModel, useSession } from "../editor/context";
import { t } from "../i18n";
import { type Option, Picker } from "./Picker";
import { effective, type KnobProps } from "./types";

/** One of the models that the server knows, by name, with its size; where none is needed, also none. */
export function ModelKnob({ extensions, ...props }: KnobProps & { readonly extensions: readonly string[] }) {
  const { services } = useSession();
  const [models, setModels] = useState<readonly KnownModel[]>([]);
  const value = effective(props);
  const chosen = typeof value === "string" ? value : "";
  const optional = props.socket.nullable === true;
  const options = useMemo(
    () => optionsOf(models, chosen, extensions, optional),
    [models, chosen, extensions, optional],
  );

  async function list() {
    try {
      setModels(await services.models());
    } catch (error) {
      services.tell(error instanceof Error ? error.message : String(error), "error");
    }
  }

  return (
    <Picker
      id={props.id}
      label={props.label}
      options={options}
      chosen={chosen}
      shown={chosen || t(optional ? "widget.no_model_chosen" : "widget.choose_model")}
      invalid={props.problem !== null}
      none={models.length === 0 ? t("widget.no_models") : undefined}
      onPick={(name) => props.onChange(name === "" ? undefined : name)}
      onOpen={() => void list()}
    />
  );
}

/** Models that fit, and the chosen one though it may not be there. */
function optionsOf(
  models: readonly KnownModel[],
  chosen: string,
  extensions: readonly string[],
  optional: boolean,
): readonly Option[] {
  const fits = ({ name }: KnownModel) =>
    extensions.length === 0 || extensions.some((end) => name.toLowerCase().endsWith(end));
  const fitting = models.filter(fits).map(({ name, bytes }) => ({ key: name, title: name, detail: sayBytes(bytes) }));
  const gone = chosen !== "" && !fitting.some(({ key }) => key === chosen) ? [{ key: chosen, title: chosen }] : [];
  const none = optional ? [{ key: "", title: t("widget.no_model_chosen") }] : [];
  return [...none, ...gone, ...fitting];
}

const MEGABYTE = 1e6;
const GIGABYTE = 1e9;

/** A size in the words that file managers use. */
export function sayBytes(bytes: number): string {
  const large = bytes >= GIGABYTE;
  const unit = large ? "gigabyte" : "megabyte";
  const format = new Intl.NumberFormat("en", { style: "unit", unit, maximumFractionDigits: 1 });
  return format.format(bytes / (large ? GIGABYTE : MEGABYTE));
}
