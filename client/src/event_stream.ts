export interface ServerSentEvent {
  /** Empty when the server gave none. */
  readonly name: string;
  readonly data: string;
}

/**
 * Server-sent events (HTML Living Standard, section 9.2.6) out of text that comes in pieces.
 * EventSource cannot be used: it sends no Authorization header.
 */
export class EventStreamParser {
  /** To be sent as Last-Event-ID when connecting again; it outlives the connection. */
  lastEventId = '';
  /** How long the server wants us to wait before connecting again, in milliseconds. */
  retry: number | undefined;
  #rest = '';
  #name = '';
  #data: string[] = [];
  #id: string | undefined;

  /** The events that these characters complete. */
  feed(text: string): ServerSentEvent[] {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?=[^])/); // a CR at the very end may be half of a CRLF
    this.#rest = lines.pop() ?? '';
    const events: ServerSentEvent[] = [];
    for (const line of lines) this.#line(line, events);
    return events;
  }

  /** A new connection: what the last one left unfinished is dropped. */
  reset(): void {
    this.#rest = '';
    this.#clear();
  }

  #line(line: string, events: ServerSentEvent[]): void {
    if (line === '') {
      if (this.#id !== undefined) this.lastEventId = this.#id;
      if (this.#data.length > 0) events.push({ name: this.#name, data: this.#data.join('\n') });
      this.#clear();
      return;
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'event') this.#name = value;
    if (field === 'data') this.#data.push(value);
    if (field === 'id' && !value.includes('\0')) this.#id = value;
    if (field === 'retry' && /^\d+$/.test(value)) this.retry = Number(value);
  }

  #clear(): void {
    this.#name = '';
    this.#data = [];
    this.#id = undefined;
  }
}
