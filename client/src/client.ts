import { Attachment, type AttachOptions } from './attachment.js';
import { type Clock, systemClock } from './clock.js';
import { Emitter } from './emitter.js';
import { ConfigFeed, type FeedEvents, type Token } from './feed.js';

export interface TurnkeeperOptions {
  /** Of a monitor, such as "https://ice.example.org"; of several, the next one is asked when one fails. */
  readonly endpoint: string | readonly string[];
  readonly auth: {
    /** Who the credentials are made for; relays see it in the user name. */
    readonly user?: string;
    /** Sent as `Authorization: Bearer`. A function is asked before each request, so that short-lived tokens work. */
    readonly token?: Token;
  };
  /** Where the user is; the monitor's default otherwise. */
  readonly region?: string;
  /** Needed when the monitor knows several. */
  readonly cluster?: string;
  /** The call's name: both ends of a session get the same first relay. */
  readonly session?: string;
  /** Never a direct connection: iceTransportPolicy "relay". */
  readonly forceRelay?: boolean;
  /** Tell the monitor at the end how each call went (`Report`). Off by default. */
  readonly telemetry?: boolean;
  /** Instead of the platform's. */
  readonly fetch?: typeof fetch;
  readonly clock?: Clock;
}

/**
 * Lists of working TURN relays, and calls that stay on them.
 *
 *   const client = new TurnkeeperClient({ endpoint: 'https://ice.example.org', auth: { user: 'alice', token } });
 *   const connection = new RTCPeerConnection(await client.configuration());
 *   const call = client.attach(connection, { signal: (message) => socket.send(JSON.stringify(message)), polite: false });
 *   socket.onmessage = ({ data }) => call.receive(JSON.parse(data));
 */
export class TurnkeeperClient extends Emitter<FeedEvents> {
  readonly #feed: ConfigFeed;
  readonly #forceRelay: boolean;
  readonly #telemetry: boolean;
  readonly #clock: Clock;
  readonly #attachments = new Set<Attachment>();

  constructor(options: TurnkeeperOptions) {
    super();
    this.#forceRelay = options.forceRelay ?? false;
    this.#telemetry = options.telemetry ?? false;
    this.#clock = options.clock ?? systemClock;
    const endpoints = [options.endpoint].flat();
    if (endpoints.length === 0) throw new Error('endpoint names no monitor');
    this.#feed = new ConfigFeed({
      endpoints,
      query: {
        user: options.auth.user,
        region: options.region,
        cluster: options.cluster,
        session: options.session,
      },
      token: options.auth.token,
      fetch: options.fetch ?? ((...request) => fetch(...request)),
      clock: this.#clock,
    });
    this.#feed.on('config', (config) => this.emit('config', config));
    this.#feed.on('error', (error) => this.emit('error', error));
  }

  /**
   * The list for RTCConfiguration.iceServers, best first; asked for when there is none or it has aged. It is kept while
   * the monitor is away: rejects only when there never was one.
   */
  async iceServers(): Promise<RTCIceServer[]> {
    return (await this.#feed.get()).iceServers;
  }

  /** For `new RTCPeerConnection(...)`. */
  async configuration(): Promise<RTCConfiguration> {
    const iceServers = await this.iceServers();
    return this.#forceRelay ? { iceServers, iceTransportPolicy: 'relay' } : { iceServers };
  }

  /**
   * Follows the pushes without a connection to attach: `config` tells each new list until the returned function is
   * called. For libraries that hold their RTCPeerConnection back.
   */
  follow(): () => void {
    return this.#feed.follow();
  }

  /** Keeps the connection on relays that work until it is closed. Attach before the first negotiation. */
  attach(connection: RTCPeerConnection, options: AttachOptions = {}): Attachment {
    const attachment: Attachment = new Attachment(connection, this.#feed, options, {
      clock: this.#clock,
      forceRelay: this.#forceRelay,
      onEnd: (report) => {
        this.#attachments.delete(attachment);
        if (this.#telemetry) this.#feed.report(report);
      },
    });
    this.#attachments.add(attachment);
    return attachment;
  }

  /** Lets go of every connection; they stay as they are. */
  close(): void {
    for (const attachment of [...this.#attachments]) attachment.close();
  }
}
