/**
 * The event stream: one websocket for all jobs, taken up after every break where it stopped. What the events mean is
 * not known here.
 */
import type { EventEntry, SocketAnswer } from "./types";

export type EventHandlers = {
  /** Something happened to a job. */
  readonly onEvent: (event: EventEntry) => void;
  /** The connection stands; `resumed` says that nothing was missed in between. */
  readonly onOpen: (resumed: boolean) => void;
  readonly onLost: () => void;
};

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;

export class EventStream {
  readonly #url: string;
  readonly #handlers: EventHandlers;
  #socket: WebSocket | null = null;
  #last = 0;
  #wait = FIRST_WAIT_MS;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #closed = false;
  readonly #replaying = new Set<string>();

  constructor(url: string, handlers: EventHandlers) {
    this.#url = url;
    this.#handlers = handlers;
    this.#open();
  }

  /** All that is stored of one job, from its first event on; ends when the job does. */
  replay(job: string): void {
    this.#replaying.add(job);
    this.#send({ follow: job, after: 0 });
  }

  /** Try again at once, because the page was shown or the network came back. */
  wake(): void {
    if (this.#socket || this.#closed) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#open();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#socket?.close();
  }

  #open(): void {
    this.#timer = null;
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#wait = FIRST_WAIT_MS;
      const resumed = this.#last > 0;
      this.#send({ follow: "*", after: this.#last });
      for (const job of this.#replaying) this.#send({ follow: job, after: 0 });
      this.#handlers.onOpen(resumed);
    };
    socket.onmessage = (message) => this.#receive(JSON.parse(String(message.data)) as SocketAnswer);
    socket.onclose = () => this.#lost(socket);
  }

  #receive(answer: SocketAnswer): void {
    if (answer.ended) this.#replaying.delete(answer.ended);
    if (!answer.event) return;
    // Fields that are null do not cross the wire.
    const event: EventEntry = { ...answer.event, seq: answer.event.seq ?? null, number: answer.event.number ?? null };
    if (event.number !== null) this.#last = Math.max(this.#last, event.number);
    this.#handlers.onEvent(event);
  }

  #lost(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    if (this.#closed) return;
    this.#handlers.onLost();
    this.#timer = setTimeout(() => this.#open(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS);
  }

  #send(message: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
