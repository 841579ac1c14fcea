import type { NodeDefinition } from "../../graph/catalogue";
import { t } from "../../i18n";
import { type Filters, packOf } from "./entries";

type FilterBarProps = {
  readonly definitions: readonly NodeDefinition[];
  readonly filters: Filters;
  readonly onChange: (filters: Filters) => void;
};

const LABELS = {
  takes: "search.takes",
  gives: "search.gives",
  category: "search.category",
  pack: "search.pack_filter",
} as const;

/** What narrows the search down, beside the words. */
export function FilterBar({ definitions, filters, onChange }: FilterBarProps) {
  const choices = {
    takes: definitions.flatMap((definition) => definition.inputs.map((socket) => socket.type)),
    gives: definitions.flatMap((definition) => definition.outputs.map((socket) => socket.type)),
    category: definitions.map((definition) => definition.category),
    pack: definitions.map(packOf),
  };
  return (
    <div className="search-filters">
      {(["takes", "gives", "category", "pack"] as const).map((name) => {
        const options = [...new Set(choices[name])].filter(Boolean).sort();
        if (options.length < 2 && filters[name] === "") return null;
        return (
          <select
            key={name}
            aria-label={t(LABELS[name])}
            data-set={filters[name] !== ""}
            value={filters[name]}
            onChange={(event) => onChange({ ...filters, [name]: event.target.value })}
          >
            <option value="">{t(LABELS[name])}</option>
            {options.map((option) => (
              <option key={option}>{option}</option>
            ))}
          </select>
        );
      })}
    </div>
  );
}
