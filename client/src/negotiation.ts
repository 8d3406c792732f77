import type { Clock } from './clock.js';

/**
 * What the two ends say to each other; plain JSON. `hello`: this end has attached, and heard nothing of what was said
 * before.
 */
export type SignalMessage =
  | { readonly hello: true }
  | { readonly description: RTCSessionDescriptionInit; readonly offer: number }
  | { readonly candidate: RTCIceCandidateInit };

/** How an application takes a message to the other end. It may fail, and messages may be lost: offers are repeated. */
export type Signal = (message: SignalMessage) => void | Promise<void>;

const REPEAT_AFTER = 2000; // an offer that nobody answers; then after twice that, and so on
const REPEAT_AT_LEAST_EVERY = 30_000;
const GATHERING_BEGINS_WITHIN = 300;

/**
 * Perfect negotiation (WebRTC 1.0, section 10.7): either end may offer at any time; when both do, the polite one gives
 * way. The ends may attach in any order, and messages may be lost: an offer is said again when the other end says hello,
 * and from time to time until it is answered. Offers are numbered, so that an answer that comes late is not taken for
 * the answer to a newer offer, and one that comes twice is answered twice and applied once.
 */
export class Negotiation {
  readonly #connection: RTCPeerConnection;
  readonly #signal: Signal;
  readonly #polite: boolean;
  readonly #beforeRestart: () => Promise<unknown>;
  readonly #clock: Clock;
  #offering = false;
  #making: Promise<void> = Promise.resolve(); // ... our newest offer
  #offer = 0; // the number of our newest
  #answered = 0; // of theirs
  #inbox: Promise<void> = Promise.resolve();
  #callOffRepeat = () => {};
  #gathering = () => {};
  readonly #gathers = new Promise<void>((resolve) => (this.#gathering = resolve));
  readonly #listeners = new AbortController();

  /** `beforeRestart` is awaited before an ICE restart of the other end is answered. */
  constructor(
    connection: RTCPeerConnection,
    signal: Signal,
    polite: boolean,
    beforeRestart: () => Promise<unknown>,
    clock: Clock,
  ) {
    this.#connection = connection;
    this.#signal = signal;
    this.#polite = polite;
    this.#beforeRestart = beforeRestart;
    this.#clock = clock;
    const { signal: closed } = this.#listeners;
    connection.addEventListener('negotiationneeded', () => (this.#making = this.#sendOffer()), { signal: closed });
    connection.addEventListener(
      'icecandidate',
      ({ candidate }) => {
        this.#gathering();
        if (candidate) this.#send({ candidate: candidate.toJSON() });
      },
      { signal: closed },
    );
    // A turn later: the application has what attach() returns by then.
    void Promise.resolve().then(() => this.#send({ hello: true }));
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
    this.#callOffRepeat();
  }

  async #sendOffer(): Promise<void> {
    this.#offering = true;
    try {
      await this.#connection.setLocalDescription();
      ++this.#offer;
      this.#sayOffer(REPEAT_AFTER);
    } catch {
      // Closed, or overtaken by the other end's offer; then this fires again.
    } finally {
      this.#offering = false;
    }
  }

  /** The offer that waits for an answer, with the candidates that it has by now. */
  #sayOffer(repeatAfter: number): void {
    this.#callOffRepeat();
    if (this.#connection.signalingState !== 'have-local-offer' || this.#listeners.signal.aborted) return;
    this.#callOffRepeat = this.#clock.after(repeatAfter, () => this.#sayOffer(Math.min(2 * repeatAfter, REPEAT_AT_LEAST_EVERY)));
    this.#sendDescription(this.#connection.pendingLocalDescription, 'offer', this.#offer);
  }

  async #take(message: SignalMessage): Promise<void> {
    const connection = this.#connection;
    if (connection.signalingState === 'closed') return;
    if ('hello' in message) {
      this.#answered = 0; // whoever is new counts from one
      this.#sayOffer(REPEAT_AFTER);
      return;
    }
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
    if (offer <= this.#answered) {
      // Said twice: what we answered may have been lost. An older one came late.
      if (offer === this.#answered) this.#sendDescription(connection.currentLocalDescription, 'answer', offer);
      return;
    }
    const ignored = () => !this.#polite && (this.#offering || connection.signalingState !== 'stable');
    if (ignored()) return;
    const known = iceUser(connection.remoteDescription);
    if (known && known !== iceUser(description)) await this.#beforeRestart();
    if (ignored()) return;
    if (this.#polite) {
      await this.#making;
      if (connection.signalingState === 'have-local-offer') await this.#gatheringBegins();
    }
    await connection.setRemoteDescription(description);
    await connection.setLocalDescription();
    this.#answered = offer;
    this.#sendDescription(connection.currentLocalDescription, 'answer', offer);
  }

  /**
   * Before our offer is rolled back: a Chromium whose first offer is taken back in the same moment may never gather
   * anything for that connection, and no restart helps it.
   */
  async #gatheringBegins(): Promise<void> {
    let callOff = () => {};
    const tooLong = new Promise<void>((resolve) => (callOff = this.#clock.after(GATHERING_BEGINS_WITHIN, resolve)));
    await Promise.race([this.#gathers, tooLong]);
    callOff();
  }

  #sendDescription(own: RTCSessionDescription | null, type: RTCSdpType, offer: number): void {
    if (own?.type === type) this.#send({ description: own.toJSON() as RTCSessionDescriptionInit, offer });
  }

  // Not waited for: a signalling channel that hangs must not keep us from hearing. What fails is said again if it matters.
  #send(message: SignalMessage): void {
    (async () => this.#signal(message))().catch(() => {});
  }
}

/** Another one in the next description: ICE restarts. */
export function iceUser(description: RTCSessionDescriptionInit | null): string | undefined {
  return /^a=ice-ufrag:(.+)$/m.exec(description?.sdp ?? '')?.[1];
}
