import type { IceConfig } from './ice_config.js';
import type { Path } from './path.js';

/** The body of `POST /v1/reports`: how one call went. It names no person and no address but the relay's. */
export interface Report {
  readonly cluster: string;
  readonly region: string;
  /** Was it ever connected? */
  readonly connected: boolean;
  /** Was it given up in the end? */
  readonly lost: boolean;
  /** From the first negotiation to the connection, in milliseconds; left out when there was none. */
  readonly connectMs?: number;
  readonly durationMs: number;
  /** Of the last path. */
  readonly type?: Path['type'];
  readonly localCandidate?: RTCIceCandidateType;
  readonly remoteCandidate?: RTCIceCandidateType;
  readonly protocol?: string;
  readonly relay?: string;
  readonly relayProtocol?: string;
  /** Over all looks at it. */
  readonly rttMs?: { readonly mean: number; readonly max: number };
  readonly restarts: number;
  /** Each from the first sign of trouble to the new path; the first hundred. */
  readonly gapsMs: readonly number[];
}

const MOST_GAPS = 100;

/** Collects what the report will say. Times as Date.now(). */
export class CallRecord {
  readonly #begun: number;
  #negotiated: number | undefined;
  #connected: number | undefined;
  #lost = false;
  #path: Path | undefined;
  #rtts = { sum: 0, count: 0, max: 0 };
  #restarts = 0;
  #gaps: number[] = [];

  constructor(now: number) {
    this.#begun = now;
  }

  negotiating(now: number): void {
    this.#negotiated ??= now;
  }
  connected(now: number): void {
    this.#connected ??= now;
    this.#lost = false;
  }
  takes(path: Path): void {
    this.#path = path;
  }
  rtt(milliseconds: number): void {
    const { sum, count, max } = this.#rtts;
    this.#rtts = { sum: sum + milliseconds, count: count + 1, max: Math.max(max, milliseconds) };
  }
  restart(): void {
    ++this.#restarts;
  }
  gap(milliseconds: number): void {
    if (this.#gaps.length < MOST_GAPS) this.#gaps.push(Math.round(milliseconds));
  }
  lost(): void {
    this.#lost = true;
  }

  report(config: IceConfig | undefined, now: number): Report {
    const path = this.#path;
    const { sum, count, max } = this.#rtts;
    return {
      cluster: config?.cluster ?? '',
      region: config?.region ?? '',
      connected: this.#connected !== undefined,
      lost: this.#lost,
      ...(this.#connected !== undefined &&
        this.#negotiated !== undefined && { connectMs: Math.max(0, this.#connected - this.#negotiated) }),
      durationMs: now - this.#begun,
      ...(path && {
        type: path.type,
        localCandidate: path.local.candidateType,
        remoteCandidate: path.remote.candidateType,
        protocol: path.local.protocol,
        ...(path.relay && { relay: path.relay, relayProtocol: path.relayProtocol }),
      }),
      ...(count > 0 && { rttMs: { mean: Math.round(sum / count), max: Math.round(max) } }),
      restarts: this.#restarts,
      gapsMs: this.#gaps,
    };
  }
}
