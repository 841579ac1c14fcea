import { useState } from "react";

/** A field for a name: Enter and leaving it take the text, Escape leaves the name as it was. */
export function TitleField({
  title,
  label,
  onDone,
}: {
  readonly title: string;
  readonly label?: string;
  readonly onDone: (title: string | null) => void;
}) {
  const [text, setText] = useState(title);
  return (
    <input
      className="node-rename nodrag"
      value={text}
      aria-label={label}
      // biome-ignore lint/a11y/noAutofocus: the user has just asked to type here
      autoFocus
      onFocus={(event) => event.target.select()}
      onChange={(event) => setText(event.target.value)}
      onBlur={() => onDone(text)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter") onDone(text);
        if (event.key === "Escape") onDone(null);
      }}
    />
  );
}
