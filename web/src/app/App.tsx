import { type DragEvent, useEffect, useMemo } from "react";
import { useStore } from "zustand";
import { GraphView } from "../canvas/GraphView";
import { Minimap } from "../canvas/Minimap";
import { SearchBox } from "../canvas/search/SearchBox";
import { SessionProvider } from "../editor/context";
import { isEmpty } from "../graph/document";
import { t } from "../i18n";
import { Comparison } from "../media/Comparison";
import { Announcer } from "./Announcer";
import { bringFile } from "./bringing";
import { Dialogs } from "./Dialogs";
import { Library } from "./Library";
import { Messages } from "./Messages";
import { ContextMenu } from "./menu/ContextMenu";
import { NameDialog } from "./NameDialog";
import { QuestionDialog } from "./QuestionDialog";
import { SavingNotice } from "./SavingNotice";
import { SidePanel } from "./SidePanel";
import { StartScreen } from "./StartScreen";
import { servicesOf } from "./services";
import { TabBar } from "./TabBar";
import { TopBar } from "./TopBar";
import type { Tab } from "./tabs";
import { useCommandKeys } from "./useCommandKeys";
import type { Workplace } from "./workplace";
import { WorkplaceProvider } from "./workplaceContext";
import { ZoomBar } from "./ZoomBar";

/** Puts the parts together: the open documents, one connection, and the window around them. */
export function App({ place }: { readonly place: Workplace }) {
  const tab = useStore(place.tabs.state, (state) => state.active);
  const services = useMemo(() => servicesOf(place.tell), [place]);
  const session = useMemo(
    () => ({ editor: tab.editor, run: tab.runner.run, services, look: place.look }),
    [tab, services, place],
  );
  const theme = useStore(place.ui, (ui) => ui.theme);
  useEffect(() => place.connection.start(), [place]);
  const still = useStore(place.look, (look) => look.still);
  useEffect(() => {
    document.documentElement.dataset["theme"] = theme;
    document.documentElement.dataset["still"] = String(still);
  }, [theme, still]);
  useCommandKeys(place);
  usePageTitle(tab);
  return (
    <WorkplaceProvider value={place}>
      <SessionProvider value={session}>
        <Shell place={place} tab={tab} />
      </SessionProvider>
    </WorkplaceProvider>
  );
}

/** Progress in the page's title, for whoever looks elsewhere meanwhile. */
function usePageTitle({ editor, runner }: Tab): void {
  useEffect(() => {
    const show = () => {
      const running = runner.run.getState().jobs.find((job) => job.entry.state === "running");
      const title = editor.workflow.title || t("app.untitled");
      const text = `${running ? `${Math.round(running.fraction * 100)} % · ` : ""}${title} – ${t("app.name")}`;
      if (document.title !== text) document.title = text;
    };
    show();
    const stops = [editor.document.subscribe(show), runner.run.subscribe(show)];
    return () => {
      for (const stop of stops) stop();
    };
  }, [editor, runner]);
}

function Shell({ place, tab }: { readonly place: Workplace; readonly tab: Tab }) {
  const empty = useStore(tab.editor.document, (state) => isEmpty(state.history.document));
  const loading = useStore(place.connection.phase, ({ phase }) => phase === "loading");
  const panel = useStore(place.ui, (ui) => ui.panel);
  const minimap = useStore(place.settings, (settings) => settings.minimap);

  function onDrop(event: DragEvent) {
    const file = event.dataTransfer.files[0];
    if (!file) return;
    event.preventDefault();
    void bringFile(place, file, [event.clientX, event.clientY]);
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping a file is one more way; Open is the other
    <div
      className="app"
      aria-busy={loading}
      onDrop={onDrop}
      onDragOver={(event) => event.dataTransfer.types.includes("Files") && event.preventDefault()}
    >
      <TopBar />
      <TabBar />
      <SavingNotice key={tab.id} tab={tab} />
      <main>
        {panel === "library" && <Library />}
        <GraphView key={tab.id}>
          <ZoomBar />
          {minimap && !empty && <Minimap />}
          <SearchBox />
          <ContextMenu />
          {empty && <StartScreen />}
        </GraphView>
        <SidePanel />
      </main>
      <Dialogs />
      <Comparison />
      <QuestionDialog />
      <NameDialog />
      <Messages />
      <Announcer key={tab.id} tab={tab} />
    </div>
  );
}
