import { useUi } from "./workplaceContext";

/** Brief words at the bottom, read aloud as they come. */
export function Messages() {
  const messages = useUi((ui) => ui.messages);
  return (
    <div className="messages" aria-live="polite">
      {messages.map((message) => (
        <div key={message.id} className="message" data-kind={message.kind}>
          <span>{message.text}</span>
        </div>
      ))}
    </div>
  );
}
