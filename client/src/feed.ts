import { backoff } from './backoff.js';
import type { Clock } from './clock.js';
import { Emitter } from './emitter.js';
import { EventStreamParser } from './event_stream.js';
import { failed, type Freshness, isFresh, nothingYet, received } from './freshness.js';
import { type IceConfig, parseIceConfig } from './ice_config.js';

/** A bearer token, or what gets one: it is asked before each request. */
export type Token = string | (() => string | Promise<string>);

export interface FeedOptions {
  /** Monitors that answer alike: after a failure the next one is asked. */
  readonly endpoints: readonly string[];
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly token: Token | undefined;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
}

export interface FeedEvents {
  /** A new list has come, by a push or by asking. */
  config: IceConfig;
  /** A monitor did not answer as it should. What is there is kept, and the feed goes on trying. */
  error: Error;
}

/** One run of the event stream, over all of its connections. */
interface Following {
  stopped: boolean;
  /** Ends what is being waited for. */
  interrupt: () => void;
}

const ANSWER_WITHIN = 10_000;
const SILENT_STREAM = 40_000; // a heartbeat comes every 15 s

/** The list as the monitors see it: asked for when needed, and followed while somebody follows. */
export class ConfigFeed extends Emitter<FeedEvents> {
  readonly #options: FeedOptions;
  readonly #parser = new EventStreamParser();
  #freshness: Freshness = nothingYet;
  #endpoint = 0;
  #asking: Promise<IceConfig> | undefined;
  #followers = 0;
  #following: Following | undefined;
  #callOffAsking = () => {};

  constructor(options: FeedOptions) {
    super();
    this.#options = options;
  }

  get current(): IceConfig | undefined {
    return this.#freshness.config;
  }

  /** The list, asked for when there is none or it has aged. Rejects only when there never was one. */
  async get(): Promise<IceConfig> {
    const { current } = this;
    if (current && isFresh(this.#freshness, this.#options.clock.now())) return current;
    return this.refresh().catch((error: unknown) => {
      if (current) return current;
      throw error;
    });
  }

  /** Asks now; callers at the same time share one request. */
  refresh(): Promise<IceConfig> {
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  /** Keeps the list current, by the event stream and by asking in time, until the returned function is called. */
  follow(): () => void {
    if (this.#followers++ === 0) {
      this.#following = { stopped: false, interrupt: () => {} };
      void this.#followEvents(this.#following);
      this.#planAsking();
    }
    let stopped = false;
    return () => {
      if (stopped) return;
      stopped = true;
      if (--this.#followers > 0 || !this.#following) return;
      this.#following.stopped = true;
      this.#following.interrupt();
      this.#callOffAsking();
    };
  }

  /** `POST /v1/reports`. A report that does not arrive is not worth a second try. */
  report(report: object): void {
    const headers = { 'Content-Type': 'application/json' };
    const init = { method: 'POST', body: JSON.stringify(report), keepalive: true, headers };
    this.#request('/v1/reports', {}, init).catch(() => {});
  }

  async #ask(): Promise<IceConfig> {
    try {
      const signal = AbortSignal.timeout(ANSWER_WITHIN);
      const response = await this.#request('/v1/ice', this.#options.query, { signal });
      return this.#accept(await response.text());
    } catch (error) {
      const { clock } = this.#options;
      this.#freshness = failed(this.#freshness, clock.now(), clock.random());
      this.#planAsking();
      this.#complain(error);
      throw error;
    }
  }

  #accept(json: string): IceConfig {
    const { clock } = this.#options;
    const config = parseIceConfig(json, clock.now(), clock.random());
    this.#freshness = received(config);
    this.#planAsking();
    this.emit('config', config);
    return config;
  }

  #planAsking(): void {
    this.#callOffAsking();
    if (this.#followers === 0) return;
    const { clock } = this.#options;
    this.#callOffAsking = clock.after(this.#freshness.askAt - clock.now(), () => void this.refresh().catch(() => {}));
  }

  async #followEvents(following: Following): Promise<void> {
    const { clock } = this.#options;
    for (let failures = 1; ; ++failures) {
      try {
        await this.#readEvents(following, () => (failures = 0));
      } catch (error) {
        if (!following.stopped) this.#complain(error);
      }
      if (following.stopped) return;
      // A stream that brought something is opened again after the first, short wait.
      const wait = backoff(Math.max(failures, 1), clock.random(), this.#parser.retry);
      await new Promise<void>((resolve) => {
        const callOff = clock.after(wait, resolve);
        following.interrupt = () => resolve(callOff());
      });
    }
  }

  async #readEvents(following: Following, onEvent: () => void): Promise<void> {
    const abort = new AbortController();
    following.interrupt = () => abort.abort();
    let callOff = () => {};
    const watch = () => {
      callOff();
      callOff = this.#options.clock.after(SILENT_STREAM, () => abort.abort(new Error('the event stream has fallen silent')));
    };
    try {
      watch();
      const { lastEventId } = this.#parser;
      const headers: HeadersInit = lastEventId ? { 'Last-Event-ID': lastEventId } : {};
      const response = await this.#request('/v1/events', this.#options.query, { signal: abort.signal, headers });
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      this.#parser.reset();
      for (let read; (read = await reader?.read()) && !read.done; ) {
        watch();
        for (const event of this.#parser.feed(read.value)) {
          if (event.name !== 'config') continue;
          this.#accept(event.data);
          onEvent();
        }
      }
    } finally {
      callOff();
      abort.abort(); // whatever was not read
    }
  }

  async #request(path: string, query: FeedOptions['query'], init: RequestInit): Promise<Response> {
    const { endpoints, token, fetch } = this.#options;
    const used = this.#endpoint;
    try {
      const url = new URL(`${endpoints[used]?.replace(/\/$/, '')}${path}`, globalThis.location?.href);
      for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value);
      const bearer = typeof token === 'function' ? await token() : token;
      const headers = { ...init.headers, ...(bearer && { Authorization: `Bearer ${bearer}` }) };
      const response = await fetch(url.href, { ...init, headers, cache: 'no-store' });
      if (!response.ok) throw await refusal(response);
      return response;
    } catch (error) {
      if (this.#endpoint === used) this.#endpoint = (used + 1) % endpoints.length;
      throw error;
    }
  }

  #complain(error: unknown): void {
    this.emit('error', error instanceof Error ? error : new Error(String(error)));
  }
}

/** What the monitor said in its problem+json. */
async function refusal(response: Response): Promise<Error> {
  const problem = (await response.json().catch(() => ({}))) as { detail?: string };
  return new Error(`the monitor answered ${response.status}: ${problem.detail ?? response.statusText}`);
}
