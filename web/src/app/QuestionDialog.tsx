import { useEffect, useRef } from "react";
import { useUi } from "./workplaceContext";

/** The question that waits for an answer. */
export function QuestionDialog() {
  const question = useUi((ui) => ui.question);
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (question) element.current?.showModal();
  }, [question]);
  if (!question) return null;
  return (
    <dialog
      ref={element}
      className="question popup"
      aria-labelledby="question-title"
      onCancel={() => question.answer(null)}
      onKeyDown={(event) => event.stopPropagation()}
    >
      <h2 id="question-title">{question.title}</h2>
      <p>{question.text}</p>
      <footer>
        {question.answers.map(({ id, label, kind }) => (
          <button key={id} type="button" className={`button ${kind ?? ""}`} onClick={() => question.answer(id)}>
            {label}
          </button>
        ))}
      </footer>
    </dialog>
  );
}
