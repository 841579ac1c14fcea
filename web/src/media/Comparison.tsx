import { lazy, Suspense } from "react";
import { useStore } from "zustand";
import { comparing } from "./comparing";

/** Loaded when two results are compared for the first time. */
const Compare = lazy(async () => ({ default: (await import("./Compare")).Compare }));

/** The comparison, while there is one. */
export function Comparison() {
  const pair = useStore(comparing, (state) => state.pair);
  if (!pair) return null;
  return (
    <Suspense>
      <Compare key={`${pair[0].digest} ${pair[1].digest}`} pair={pair} />
    </Suspense>
  );
}
