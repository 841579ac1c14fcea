/** Undo and redo: a list of named steps, each with its patches and those that lead back. Knows no workflow. */
import { applyPatches, type Patch } from "./patch";

/** What a step is called, as a key into the table of texts, with the words that go into it. */
export type Label = { readonly key: string; readonly name?: string; readonly count?: number };

/** One edit by the user. Steps with the same `merge` that follow each other closely become one, such as typing. */
export type Edit = {
  readonly label: Label;
  readonly patches: readonly Patch[];
  readonly merge?: string;
  /** Whether `merge` names one gesture of the pointer, whose edits are one step however slow it is. */
  readonly gesture?: boolean;
};

export type Step = Edit & { readonly inverse: readonly Patch[]; readonly at: number };

export type History<T> = {
  readonly document: T;
  /** Oldest first; the last one is undone next. */
  readonly past: readonly Step[];
  /** The first one is redone next. */
  readonly future: readonly Step[];
};

/** Pause after which typing in the same place begins a new step, in milliseconds. */
const MERGE_MS = 1000;
/** Steps kept; they hold only what changed. */
const MAX_STEPS = 500;

export function beginHistory<T>(document: T): History<T> {
  return { document, past: [], future: [] };
}

/** The history after an edit; an edit that changes nothing leaves it as it is. */
export function perform<T>(history: History<T>, edit: Edit, now: number): History<T> {
  if (edit.patches.length === 0) return history;
  const { document, inverse } = applyPatches(history.document, edit.patches);
  const last = history.past.at(-1);
  const step: Step = { ...edit, inverse, at: now };
  const joins =
    last && edit.merge !== undefined && last.merge === edit.merge && (edit.gesture || now - last.at < MERGE_MS);
  if (joins && history.future.length === 0) {
    const joined = { ...step, patches: [...last.patches, ...edit.patches], inverse: [...inverse, ...last.inverse] };
    return { document, past: [...history.past.slice(0, -1), joined], future: [] };
  }
  return { document, past: [...history.past, step].slice(-MAX_STEPS), future: [] };
}

/**
 * The history with a change of the document that is no step, such as a name under which it was saved. The steps no
 * longer touch that place either: undoing one does not take back what was never done by one.
 */
export function amend<T>(history: History<T>, patch: Patch): History<T> {
  const place = patch.path.join("/");
  const elsewhere = (patches: readonly Patch[]) => patches.filter(({ path }) => path.join("/") !== place);
  const others = (steps: readonly Step[]) =>
    steps.flatMap((step): Step[] => {
      const patches = elsewhere(step.patches);
      if (patches.length === step.patches.length) return [step];
      return patches.length === 0 ? [] : [{ ...step, patches, inverse: elsewhere(step.inverse) }];
    });
  const { document } = applyPatches(history.document, [patch]);
  return { document, past: others(history.past), future: others(history.future) };
}

export function undo<T>(history: History<T>): History<T> {
  const step = history.past.at(-1);
  if (!step) return history;
  const { document } = applyPatches(history.document, step.inverse);
  // Without `merge`, what is typed after an undo is a step of its own.
  const { merge: _, ...undone } = step;
  return { document, past: history.past.slice(0, -1), future: [undone, ...history.future] };
}

export function redo<T>(history: History<T>): History<T> {
  const [step, ...future] = history.future;
  if (!step) return history;
  const { document } = applyPatches(history.document, step.patches);
  return { document, past: [...history.past, step], future };
}

/** Go to the moment when `steps` steps of the list had been done, as a click in the history list does. */
export function goTo<T>(history: History<T>, steps: number): History<T> {
  let current = history;
  while (current.past.length > steps) current = undo(current);
  while (current.past.length < steps && current.future.length > 0) current = redo(current);
  return current;
}
