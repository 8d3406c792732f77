/** What the two ends say to each other; plain JSON. */
export type SignalMessage =
  | { readonly description: RTCSessionDescriptionInit; readonly offer: number }
  | { readonly candidate: RTCIceCandidateInit };

/** How an application takes a message to the other end. It may fail: restarts are tried again. */
export type Signal = (message: SignalMessage) => void | Promise<void>;

/**
 * Perfect negotiation (WebRTC 1.0, section 10.7): either end may offer at any time; when both do, the polite one gives
 * way. Offers are numbered, so that an answer that comes late is not taken for the answer to a newer offer.
 */
export class Negotiation {
  readonly #connection: RTCPeerConnection;
  readonly #signal: Signal;
  readonly #polite: boolean;
  readonly #beforeRestart: () => Promise<unknown>;
  #offering = false;
  #ignoring = false;
  #offer = 0;
  #inbox: Promise<void> = Promise.resolve();
  readonly #listeners = new AbortController();

  /** `beforeRestart` is awaited before an ICE restart of the other end is answered. */
  constructor(connection: RTCPeerConnection, signal: Signal, polite: boolean, beforeRestart: () => Promise<unknown>) {
    this.#connection = connection;
    this.#signal = signal;
    this.#polite = polite;
    this.#beforeRestart = beforeRestart;
    const { signal: closed } = this.#listeners;
    connection.addEventListener('negotiationneeded', () => void this.#sendOffer(), { signal: closed });
    connection.addEventListener(
      'icecandidate',
      ({ candidate }) => {
        if (candidate) void this.#send({ candidate: candidate.toJSON() });
      },
      { signal: closed },
    );
  }

  /** A message of the other end. They are worked off in the order in which they came. */
  receive(message: SignalMessage): Promise<void> {
    const done = this.#inbox.then(() => this.#take(message));
    this.#inbox = done.catch(() => {});
    return done;
  }

  /** Offers again with new ICE credentials. An offer that nobody answered is taken back first if `again`. */
  async restart(again: boolean): Promise<void> {
    if (again && this.#connection.signalingState === 'have-local-offer') {
      await this.#connection.setLocalDescription({ type: 'rollback' });
    }
    this.#connection.restartIce();
  }

  close(): void {
    this.#listeners.abort();
  }

  async #sendOffer(): Promise<void> {
    this.#offering = true;
    try {
      await this.#connection.setLocalDescription();
      await this.#sendDescription(++this.#offer);
    } catch {
      // Closed, or overtaken by the other end's offer; then this fires again.
    } finally {
      this.#offering = false;
    }
  }

  async #take(message: SignalMessage): Promise<void> {
    const connection = this.#connection;
    if (connection.signalingState === 'closed') return;
    if ('candidate' in message) {
      // Those of an offer that was ignored or overtaken fit nothing any more.
      await connection.addIceCandidate(message.candidate).catch(() => {});
      return;
    }
    const { description, offer } = message;
    if (description.type === 'answer') {
      const awaited = connection.signalingState === 'have-local-offer' && offer === this.#offer;
      if (awaited) await connection.setRemoteDescription(description);
      return;
    }
    if (iceUser(connection.remoteDescription?.sdp) && iceUser(connection.remoteDescription?.sdp) !== iceUser(description.sdp)) {
      await this.#beforeRestart();
    }
    this.#ignoring = !this.#polite && (this.#offering || connection.signalingState !== 'stable');
    if (this.#ignoring) return;
    await connection.setRemoteDescription(description);
    await connection.setLocalDescription();
    await this.#sendDescription(offer);
  }

  async #sendDescription(offer: number): Promise<void> {
    const description = this.#connection.localDescription?.toJSON() as RTCSessionDescriptionInit | undefined;
    if (description) await this.#send({ description, offer });
  }

  async #send(message: SignalMessage): Promise<void> {
    try {
      await this.#signal(message);
    } catch {
      // A signalling channel that is down for a moment: the restart is made again when nothing comes of it.
    }
  }
}

function iceUser(sdp: string | undefined): string | undefined {
  return /^a=ice-ufrag:(.+)$/m.exec(sdp ?? '')?.[1];
}
