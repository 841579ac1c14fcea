import { useEffect, useState } from "react";
import { choiceInWords, editInWords, linkInWords, runInWords } from "./announce";
import type { Tab } from "./tabs";

/** Words of which an equal text said again is news again. */
type Said = { readonly text: string; readonly number: number };

/** Reads out, politely, what became of the document, of what is selected, and of the runs. */
export function Announcer({ tab }: { readonly tab: Tab }) {
  const [said, setSaid] = useState<Said>({ text: "", number: 0 });
  useEffect(() => {
    const { editor, runner } = tab;
    const say = (text: string | null) => text !== null && setSaid(({ number }) => ({ text, number: number + 1 }));
    const stops = [
      editor.document.subscribe((now, before) => say(editInWords(before, now) ?? choiceInWords(before, now))),
      editor.view.subscribe((now, before) => say(linkInWords(before.connecting, now.connecting))),
      runner.run.subscribe((now, before) => say(runInWords(before, now, editor.document.getState()))),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [tab]);
  return (
    <div className="spoken announcer" role="status">
      <span key={said.number}>{said.text}</span>
    </div>
  );
}
