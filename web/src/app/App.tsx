import { type DragEvent, useEffect, useMemo, useState } from "react";
import { useStore } from "zustand";
import { GraphView } from "../canvas/GraphView";
import { Minimap } from "../canvas/Minimap";
import { SearchBox } from "../canvas/search/SearchBox";
import { SessionProvider } from "../editor/context";
import { Editor } from "../editor/store";
import { nodesOf } from "../graph/document";
import { t } from "../i18n";
import { Comparison } from "../media/Comparison";
import { openHere } from "./commands";
import { Dialogs } from "./Dialogs";
import { keepDrafts, loadDraft } from "./drafts";
import { Library } from "./Library";
import { Messages } from "./Messages";
import { ContextMenu } from "./menu/ContextMenu";
import { Runner } from "./runner";
import { SidePanel } from "./SidePanel";
import { StartScreen } from "./StartScreen";
import { servicesOf } from "./services";
import { TopBar } from "./TopBar";
import { useCommandKeys } from "./useCommandKeys";
import { createUi, messenger, type Workplace } from "./workplace";
import { WorkplaceProvider } from "./workplaceContext";
import { ZoomBar } from "./ZoomBar";

/** Puts the parts together: one document, one connection, and the window around them. */
export function App() {
  const [place] = useState(openWorkplace);
  const session = useMemo(
    () => ({ editor: place.editor, run: place.runner.run, services: servicesOf(place.tell) }),
    [place],
  );
  const theme = useStore(place.ui, (ui) => ui.theme);
  useEffect(() => place.runner.start(), [place]);
  useEffect(
    () =>
      keepDrafts(
        place.editor,
        () => place.runner.run.getState().shown,
        () => undefined,
      ),
    [place],
  );
  useEffect(() => {
    document.documentElement.dataset["theme"] = theme;
  }, [theme]);
  useCommandKeys(place);
  useTabTitle(place);
  return (
    <WorkplaceProvider value={place}>
      <SessionProvider value={session}>
        <Shell place={place} />
      </SessionProvider>
    </WorkplaceProvider>
  );
}

/** Progress in the tab's title, for whoever looks elsewhere meanwhile. */
function useTabTitle({ editor, runner }: Workplace): void {
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

function Shell({ place }: { readonly place: Workplace }) {
  const isEmpty = useStore(place.editor.document, (state) => Object.keys(nodesOf(state.history.document)).length === 0);
  const panel = useStore(place.ui, (ui) => ui.panel);
  const minimap = useStore(place.ui, (ui) => ui.minimap);

  function onDrop(event: DragEvent) {
    const file = event.dataTransfer.files[0];
    if (!file) return;
    event.preventDefault();
    void openHere(place, file);
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping a file is one more way; Open is the other
    <div
      className="app"
      onDrop={onDrop}
      onDragOver={(event) => event.dataTransfer.types.includes("Files") && event.preventDefault()}
    >
      <TopBar />
      <main>
        {panel === "library" && <Library />}
        <GraphView>
          <ZoomBar />
          {minimap && !isEmpty && <Minimap />}
          <SearchBox />
          <ContextMenu />
          {isEmpty && <StartScreen />}
        </GraphView>
        <SidePanel />
      </main>
      <Dialogs />
      <Comparison />
      <Messages />
    </div>
  );
}

function openWorkplace(): Workplace {
  const draft = loadDraft();
  const editor = new Editor(draft?.workflow);
  if (draft?.saved) editor.open(draft.workflow, draft.saved);
  if (draft?.viewport) editor.view.setState({ viewport: draft.viewport });
  const ui = createUi();
  const tell = messenger(ui);
  const runner = new Runner(editor, tell);
  if (draft?.job) runner.show(draft.job);
  return { editor, runner, ui, tell };
}
