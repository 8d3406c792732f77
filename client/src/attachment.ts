import type { Clock } from './clock.js';
import { Emitter } from './emitter.js';
import type { ConfigFeed } from './feed.js';
import type { IceConfig } from './ice_config.js';
import { iceUser, Negotiation, type Signal, type SignalMessage } from './negotiation.js';
import { hasHope, mustNotOverlap } from './overlap.js';
import { countTurnUrls, padded } from './padding.js';
import { mustLeave, type Path, readPath, samePath, type Stats } from './path.js';
import {
  type Counters,
  goodUntilShown,
  heardNothing,
  isSilent,
  judge,
  measure,
  type Quality,
  readCounters,
  type Thresholds,
  usualThresholds,
} from './quality.js';
import { recover, type Recovery, type RecoveryEvent, type RestartReason, steady } from './recovery.js';
import { CallRecord, type Report } from './report.js';

export interface AttachOptions {
  /**
   * Takes a message to the other end, over the application's own signalling; the other end gives it to `receive`.
   * With it, the client negotiates (offers, answers, candidates). Without it the application goes on negotiating by
   * itself: it must answer `negotiationneeded` with an offer, which an ICE restart brings about.
   */
  readonly signal?: Signal;
  /** Who gives way when both ends offer at once: true at one end, false at the other. */
  readonly polite?: boolean;
  /** What counts as bad, where it is not `usualThresholds`. */
  readonly thresholds?: Partial<Thresholds>;
}

export interface AttachmentEvents {
  /** The connection takes this path now: the first one, and each change. */
  connection: Path;
  /** Every 2 s while connected. */
  quality: Quality;
  /** The level has become worse: good -> warning -> critical. */
  degraded: Quality;
  /** An ICE restart begins. */
  restart: { readonly reason: RestartReason; readonly attempt: number };
  /** After an interruption: data flows again. `gap`: milliseconds since the first sign of trouble. A drain is none. */
  restored: { readonly gap: number };
  /**
   * Three restarts led nowhere; a new list, or the other end, may still bring the connection back. Or DTLS has failed,
   * which nothing mends. A new RTCPeerConnection is the application's to make.
   */
  connectionfailed: void;
}

const LOOK_EVERY = 2000;
const LOOK_WHILE_RESTARTING = 100;
const LISTEN_AGAIN_AFTER = 500; // of silence, before it is believed
const NEW_ENOUGH = 2000; // a list of this age need not be asked for again when the other end restarts
const ANSWER_ANYWAY = 300; // ... and the answer waits for it no longer than this

/** One RTCPeerConnection that is kept on relays that work. Made by `TurnkeeperClient.attach`. */
export class Attachment extends Emitter<AttachmentEvents> {
  readonly #connection: RTCPeerConnection;
  readonly #feed: ConfigFeed;
  readonly #clock: Clock;
  readonly #forceRelay: boolean;
  readonly #thresholds: Thresholds;
  readonly #negotiation: Negotiation | undefined;
  readonly #record: CallRecord;
  readonly #end = new AbortController();
  #config: IceConfig | undefined; // the newest
  #given: IceConfig | undefined; // what the connection has
  #gatheredWith: IceConfig | undefined; // the candidates are from this one
  #recovery: Recovery = steady;
  #theirIceUser: string | undefined;
  #answering = false; // a restart of the other end: the list that comes is for the answer
  #troubleSince: number | undefined;
  #path: Path | undefined;
  #counters: Counters | undefined;
  #judgement = goodUntilShown;
  #quality: Quality | undefined;
  #callOffLook = () => {};
  #callOffWake = () => {};
  #callOffListening = () => {};

  /** For TurnkeeperClient. */
  constructor(
    connection: RTCPeerConnection,
    feed: ConfigFeed,
    options: AttachOptions,
    settings: { readonly clock: Clock; readonly forceRelay: boolean; readonly onEnd: (report: Report) => void },
  ) {
    super();
    this.#connection = connection;
    this.#feed = feed;
    this.#clock = settings.clock;
    this.#forceRelay = settings.forceRelay;
    this.#thresholds = { ...usualThresholds, ...options.thresholds };
    this.#record = new CallRecord(this.#clock.now());
    const firstNegotiation = () => {
      if (!connection.localDescription) this.#give();
    };
    for (const event of ['negotiationneeded', 'signalingstatechange']) {
      connection.addEventListener(event, firstNegotiation, { signal: this.#end.signal });
    }
    if (options.signal) {
      this.#negotiation = new Negotiation(connection, options.signal, options.polite ?? false, () => this.#freshList(), this.#clock);
    }
    const ended = this.#end.signal;
    const atEnd = (callback: () => void) => ended.addEventListener('abort', callback);
    atEnd(() => settings.onEnd(this.#record.report(this.#config, this.#clock.now())));
    globalThis.addEventListener?.('pagehide', () => this.close(), { signal: ended });
    connection.addEventListener('connectionstatechange', () => this.#connectionChanged(), { signal: ended });
    this.#theirIceUser = iceUser(connection.remoteDescription);
    connection.addEventListener('signalingstatechange', () => this.#signalingChanged(), { signal: ended });
    atEnd(feed.follow());
    atEnd(feed.on('config', (config) => this.#apply(config)));
    // Before any list is here as well: no candidate of another kind may slip out.
    const used = connection.getConfiguration();
    if (this.#forceRelay && used.iceTransportPolicy !== 'relay') {
      connection.setConfiguration({ ...used, iceTransportPolicy: 'relay' });
    }
    if (feed.current) this.#apply(feed.current);
    if (connection.connectionState !== 'new') this.#connectionChanged();
    this.#planLook();
  }

  /** What the other end's `signal` was given. Rejects when it cannot be applied. */
  async receive(message: SignalMessage): Promise<void> {
    await this.#negotiation?.receive(message);
  }

  /** The path in use, as last seen; undefined before there is one. */
  get path(): Path | undefined {
    return this.#path;
  }
  /** As last judged. */
  get quality(): Quality | undefined {
    return this.#quality;
  }

  /** Lets go of the connection, which stays as it is. Also by itself once the connection is closed. */
  close(): void {
    if (this.#end.signal.aborted) return;
    this.#end.abort();
    this.#negotiation?.close();
    this.#callOffLook();
    this.#callOffWake();
    this.#callOffListening();
  }

  #apply(config: IceConfig): void {
    this.#config = config;
    const connection = this.#connection;
    if (this.#closedMeanwhile()) return;
    // A new connection gets it right before its first negotiation: Chromium takes any other list for a need to
    // negotiate, and would offer nothing at all to an end that has perhaps not attached yet.
    if (!connection.localDescription && connection.signalingState === 'stable') return;
    if (this.#answering || this.#wouldOverlap(config)) return; // #look comes back to it
    this.#give();
    void this.#leaveIfNeeded(config);
  }

  #wouldOverlap(config: IceConfig): boolean {
    const { localDescription, remoteDescription, signalingState } = this.#connection;
    const underWay = this.#recovery.phase === 'restarting' && hasHope(this.#gatheredWith, config);
    return (underWay || signalingState !== 'stable') && mustNotOverlap(localDescription, remoteDescription);
  }

  #give(): void {
    const config = this.#config;
    if (!config || config === this.#given || this.#closedMeanwhile()) return;
    this.#given = config;
    const used = this.#connection.getConfiguration();
    const give = (iceServers: RTCIceServer[]) => this.#connection.setConfiguration({ ...used, iceServers });
    try {
      give(padded(config.iceServers, countTurnUrls(used.iceServers ?? [])));
    } catch {
      give(config.iceServers); // Firefox refuses the port of the padding, and has no need of it
    }
    if (!this.#connection.localDescription) this.#gatheredWith = config;
  }

  async #leaveIfNeeded(config: IceConfig): Promise<void> {
    await this.#look();
    if (this.#end.signal.aborted || config !== this.#config) return;
    const path = this.#recovery.phase === 'restarting' ? undefined : this.#path;
    if (mustLeave(path, this.#gatheredWith, config)) this.#step({ kind: 'moved' });
  }

  #signalingChanged(): void {
    this.#record.negotiating(this.#clock.now());
    const theirs = iceUser(this.#connection.remoteDescription);
    const offered = this.#connection.signalingState === 'have-remote-offer';
    if (offered && this.#theirIceUser && theirs !== this.#theirIceUser) this.#theyRestart();
    this.#theirIceUser = theirs ?? this.#theirIceUser;
  }

  /** What we answer with is gathered from the list that we have now: that is our restart as well. */
  #theyRestart(): void {
    this.#give();
    this.#gatheredWith = this.#given;
    this.#step({ kind: 'theirs' });
    this.#planLook();
  }

  #connectionChanged(): void {
    const state = this.#connection.connectionState;
    const now = this.#clock.now();
    if (state === 'connected') {
      this.#record.connected(now);
      if (this.#recovery.connection !== 'connected') this.#carriesAgain(now);
    }
    if (state === 'disconnected' || state === 'failed') {
      this.#troubleSince ??= now;
      this.#askAgain();
    }
    if (state === 'failed' && this.#dtlsFailed()) this.#step({ kind: 'broken' });
    this.#step({ kind: 'connection', state });
    if (state === 'closed') this.close();
    else void this.#look();
  }

  #step(event: RecoveryEvent): Recovery {
    const now = this.#clock.now();
    const { recovery, restart, gaveUp } = recover(this.#recovery, event, now);
    this.#recovery = recovery;
    this.#callOffWake();
    if (recovery.wakeAt !== undefined) {
      this.#callOffWake = this.#clock.after(recovery.wakeAt - now, () => this.#step({ kind: 'tick' }));
    }
    if (restart) {
      // A relay that only drains still carries: there is no trouble yet.
      if (restart.reason !== 'moved' || this.#config?.reason !== 'drain') this.#troubleSince ??= now;
      this.#give();
      this.#gatheredWith = this.#given;
      this.#record.restart();
      this.emit('restart', restart);
      if (this.#negotiation) void this.#negotiation.restart(restart.attempt > 1).catch(() => {});
      else this.#connection.restartIce();
      this.#planLook();
    }
    if (gaveUp) {
      this.#record.lost();
      this.emit('connectionfailed', undefined);
    }
    return recovery;
  }

  #carriesAgain(now: number): void {
    if (this.#troubleSince === undefined) return;
    const gap = now - this.#troubleSince;
    this.#troubleSince = undefined;
    this.#record.gap(gap);
    this.emit('restored', { gap });
  }

  #planLook(): void {
    this.#callOffLook();
    const soon = this.#recovery.phase === 'restarting';
    this.#callOffLook = this.#clock.after(soon ? LOOK_WHILE_RESTARTING : LOOK_EVERY, () => {
      void this.#look(!soon).finally(() => {
        if (!this.#end.signal.aborted) this.#planLook();
      });
    });
  }

  async #look(judging = false): Promise<void> {
    const stats = await this.#stats();
    if (!stats) return;
    const path = readPath(stats);
    if (path && !samePath(path, this.#path)) {
      this.#path = path;
      this.#record.takes(path);
      this.emit('connection', path);
      // A pair is selected when it works: by our restart, by that of the other end, or by ICE itself.
      const { phase } = this.#step({ kind: 'settled' });
      if (phase === 'steady') this.#carriesAgain(this.#clock.now());
    }
    if (judging && this.#connection.connectionState === 'connected') this.#judge(stats);
    if (this.#config && this.#given !== this.#config) this.#apply(this.#config);
  }

  #judge(stats: Stats): void {
    const counters = readCounters(stats);
    const before = this.#counters ?? counters;
    this.#counters = counters;
    if (isSilent(before, counters)) {
      this.#troubleSince ??= this.#clock.now();
      this.#askAgain();
      this.#listenAgain(counters);
    } else if (this.#recovery.phase === 'steady') {
      this.#troubleSince = undefined; // it was no more than a pause
    }
    const { judgement, quality, degraded } = judge(this.#judgement, measure(stats, before, counters), this.#thresholds);
    this.#judgement = judgement;
    this.#quality = quality;
    if (quality.rtt !== undefined) this.#record.rtt(quality.rtt);
    this.emit('quality', quality);
    if (degraded) this.emit('degraded', quality);
  }

  /** A suspicion of our own: perhaps the monitor knows already, and its push did not reach us. */
  #askAgain(): void {
    void this.#feed.refresh().catch(() => {});
  }

  /** The relay may be listed for good reason, and yet not be reached from here. */
  #listenAgain(before: Counters): void {
    this.#callOffListening();
    this.#callOffListening = this.#clock.after(LISTEN_AGAIN_AFTER, async () => {
      const stats = await this.#stats();
      if (stats && heardNothing(before, readCounters(stats))) this.#step({ kind: 'silent' });
    });
  }

  // DTLS that has failed stays so (WebRTC 1.0, section 5.5); ICE restarts change nothing.
  #dtlsFailed(): boolean {
    const { sctp } = this.#connection;
    return [sctp, ...this.#connection.getSenders()].some((user) => user?.transport?.state === 'failed');
  }

  /** The other end restarts: its monitor may have been quicker than ours, and we must not gather on a dead relay. */
  async #freshList(): Promise<void> {
    const age = this.#clock.now() - (this.#config?.receivedAt ?? 0);
    if (age >= NEW_ENOUGH) {
      this.#answering = true;
      const asked = this.#feed.refresh().catch(() => {});
      let callOff = () => {};
      const tooLong = new Promise<void>((resolve) => (callOff = this.#clock.after(ANSWER_ANYWAY, resolve)));
      await Promise.race([asked, tooLong]);
      callOff();
      this.#answering = false;
    }
    this.#theyRestart();
  }

  async #stats(): Promise<Stats | undefined> {
    if (this.#closedMeanwhile()) return undefined;
    const stats = (await this.#connection.getStats().catch(() => undefined)) as Stats | undefined;
    return this.#end.signal.aborted ? undefined : stats;
  }

  // close() of a connection fires no event.
  #closedMeanwhile(): boolean {
    if (this.#connection.signalingState === 'closed') this.close();
    return this.#end.signal.aborted;
  }
}
