import { createContext, useContext } from "react";
import { useStore } from "zustand";
import type { TabsState } from "./tabs";
import type { UiState, Workplace } from "./workplace";

const WorkplaceContext = createContext<Workplace | null>(null);
export const WorkplaceProvider = WorkplaceContext.Provider;

export function useWorkplace(): Workplace {
  const place = useContext(WorkplaceContext);
  if (!place) throw new Error("this is drawn outside of the app");
  return place;
}

export const useUi = <T,>(select: (state: UiState) => T): T => useStore(useWorkplace().ui, select);
export const useTabs = <T,>(select: (state: TabsState) => T): T => useStore(useWorkplace().tabs.state, select);
