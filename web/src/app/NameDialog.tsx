import { useEffect, useRef } from "react";
import { t } from "../i18n";
import { useUi } from "./workplaceContext";

/** Asks for a name; Enter accepts it, Escape puts the question away. */
export function NameDialog() {
  const question = useUi((ui) => ui.nameQuestion);
  const element = useRef<HTMLDialogElement>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (!question) return;
    element.current?.showModal();
    field.current?.select();
  }, [question]);
  if (!question) return null;
  return (
    <dialog
      ref={element}
      className="question popup"
      aria-labelledby="name-question"
      onCancel={() => question.answer(null)}
      onKeyDown={(event) => event.stopPropagation()}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const name = field.current?.value.trim();
          if (name) question.answer(name);
        }}
      >
        <h2 id="name-question">{question.title}</h2>
        <label>
          {question.label}
          {/* With a letter in it, so that spaces alone are refused as emptiness is. */}
          <input ref={field} defaultValue={question.name} required pattern=".*\S.*" spellCheck={false} />
        </label>
        <footer>
          <button type="button" className="button" onClick={() => question.answer(null)}>
            {t("ask.cancel")}
          </button>
          <button type="submit" className="button main">
            {question.accept}
          </button>
        </footer>
      </form>
    </dialog>
  );
}
