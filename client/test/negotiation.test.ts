import assert from 'node:assert/strict';
import test from 'node:test';
import { Negotiation, type Signal, type SignalMessage } from '../src/negotiation.js';
import { FakeClock, settle } from './fake_clock.js';

/**
 * The signalling side of an RTCPeerConnection (WebRTC 1.0, sections 4.4 and 4.7), without a network: one operation after
 * the other, our offer rolled back by one that comes, and `negotiationneeded` in `stable` as long as something is wished
 * for that no agreement holds.
 */
class FakeConnection extends EventTarget {
  signalingState: RTCSignalingState = 'stable';
  pendingLocalDescription: { type: string; sdp: string; toJSON(): object } | null = null;
  currentLocalDescription = this.pendingLocalDescription;
  remoteDescription: { type: string; sdp: string } | null = null;
  readonly candidates: unknown[] = [];
  #generation = 0;
  #wished = 0;
  #described = 0;
  #agreed = { wish: 0, remoteDescription: this.remoteDescription };
  #operations: Promise<unknown> = Promise.resolve();

  setLocalDescription(description?: { type: string }): Promise<void> {
    return this.#operate(() => {
      if (description?.type === 'rollback') return this.#rollBack('stable');
      const type = this.signalingState === 'have-remote-offer' ? 'answer' : 'offer';
      this.#described = this.#wished;
      const plain = { type, sdp: `a=ice-ufrag:${this.#generation}\r\n` };
      this.pendingLocalDescription = { ...plain, toJSON: () => plain };
      if (type === 'answer') this.#agree();
      else this.signalingState = 'have-local-offer';
    });
  }
  setRemoteDescription(description: { type: string; sdp: string }): Promise<void> {
    return this.#operate(() => {
      if (description.type === 'answer') {
        assert.equal(this.signalingState, 'have-local-offer', 'InvalidStateError');
        this.remoteDescription = description;
        return this.#agree();
      }
      if (this.signalingState === 'have-local-offer') this.#rollBack('have-remote-offer');
      this.signalingState = 'have-remote-offer';
      this.remoteDescription = description;
    });
  }
  get localDescription() {
    return this.pendingLocalDescription ?? this.currentLocalDescription;
  }
  async addIceCandidate(candidate: unknown): Promise<void> {
    this.candidates.push(candidate);
  }
  restartIce(): void {
    ++this.#generation;
    this.needNegotiation();
  }
  /** There is something to negotiate: a track, a restart. */
  needNegotiation(): void {
    ++this.#wished;
    this.#ask();
  }

  #operate(operation: () => void): Promise<void> {
    const done = this.#operations.then(operation);
    this.#operations = done.catch(() => {}).then(() => this.#ask());
    return done;
  }
  #ask(): void {
    if (this.#wished > this.#agreed.wish && this.signalingState === 'stable') this.dispatchEvent(new Event('negotiationneeded'));
  }
  #agree(): void {
    this.signalingState = 'stable';
    this.currentLocalDescription = this.pendingLocalDescription;
    this.pendingLocalDescription = null;
    this.#agreed = { wish: this.#described, remoteDescription: this.remoteDescription };
  }
  #rollBack(state: RTCSignalingState): void {
    assert.equal(this.signalingState, 'have-local-offer', 'InvalidStateError');
    this.signalingState = state;
    this.pendingLocalDescription = null;
    this.remoteDescription = this.#agreed.remoteDescription;
  }
}

interface Surroundings {
  readonly beforeRestart?: () => Promise<void>;
  readonly clock?: FakeClock;
  readonly send?: Signal;
}

function end(polite: boolean, { beforeRestart = async () => {}, clock = new FakeClock(), send }: Surroundings = {}) {
  const connection = new FakeConnection();
  const sent: SignalMessage[] = [];
  const signal: Signal = send ?? ((message) => void ('hello' in message || sent.push(message)));
  const negotiation = new Negotiation(connection as unknown as RTCPeerConnection, signal, polite, beforeRestart, clock);
  return { connection, negotiation, sent, clock };
}
type End = ReturnType<typeof end>;

const candidate = () => Object.assign(new Event('icecandidate'), { candidate: { toJSON: () => ({ candidate: 'x' }) } });

/** Messages go over until nobody has any more to say. */
async function deliver(a: End, b: End): Promise<void> {
  for (await settle(); a.sent.length + b.sent.length > 0; await settle()) {
    for (const message of a.sent.splice(0)) await b.negotiation.receive(message);
    for (const message of b.sent.splice(0)) await a.negotiation.receive(message);
  }
}
const types = (one: End) => `${one.connection.localDescription?.type} ${one.connection.signalingState}`;

test('when both offer at once the polite end gives way', async () => {
  const [rude, polite] = [end(false), end(true)];
  for (const { connection } of [rude, polite]) {
    connection.needNegotiation();
    connection.dispatchEvent(candidate());
  }
  await deliver(rude, polite);
  assert.equal(types(rude), 'offer stable');
  assert.equal(types(polite), 'answer stable');
});

test('an offer that nobody answered is taken back and made again, and its late answer is not taken for the new one', async () => {
  const [a, b] = [end(false), end(true)];
  a.connection.needNegotiation();
  await settle();
  const [lost] = a.sent.splice(0);
  assert(lost);
  await a.negotiation.restart(true);
  await settle();
  await b.negotiation.receive(lost);
  const [late] = b.sent.splice(0);
  assert(late && 'description' in late && late.description.type === 'answer');
  await a.negotiation.receive(late);
  assert.equal(types(a), 'offer have-local-offer');
  await deliver(a, b);
  assert.equal(types(a), 'offer stable');
  assert.equal(a.connection.remoteDescription?.type, 'answer');
});

test('a first offer is not taken back before its gathering has begun, or has had its time', async () => {
  for (const begins of [true, false]) {
    const polite = end(true);
    polite.connection.needNegotiation(); // which is still being made when the other one comes
    void polite.negotiation.receive({ description: { type: 'offer', sdp: 'a=ice-ufrag:7\r\n' }, offer: 1 });
    await polite.clock.pass(200);
    assert.equal(types(polite), 'offer have-local-offer');
    if (begins) polite.connection.dispatchEvent(candidate());
    await polite.clock.pass(begins ? 0 : 100);
    assert.equal(types(polite), 'answer stable');
  }
});

test('a first restart waits for an offer that is on its way', async () => {
  const a = end(false);
  a.connection.needNegotiation();
  await settle();
  await a.negotiation.restart(false);
  assert.equal(a.connection.signalingState, 'have-local-offer');
});

test('a restart of the other end is answered with a fresh list, and what comes meanwhile waits its turn', async () => {
  let asked = 0;
  let go = () => {};
  const [a, b] = [end(false), end(true, { beforeRestart: () => (++asked, new Promise<void>((resolve) => (go = resolve))) })];
  a.connection.needNegotiation();
  await deliver(a, b);
  a.connection.needNegotiation(); // a new track, say
  await deliver(a, b);
  assert.equal(asked, 0);
  await a.negotiation.restart(false);
  await settle();
  const [offer] = a.sent.splice(0);
  assert(offer);
  const answered = b.negotiation.receive(offer);
  const candidate = b.negotiation.receive({ candidate: { candidate: 'x' } });
  await settle();
  assert.equal(asked, 1);
  assert.deepEqual([b.sent, b.connection.candidates], [[], []]);
  go();
  await Promise.all([answered, candidate]);
  assert.equal(b.sent.length, 1);
  assert.equal(b.connection.candidates.length, 1);
});

test('signalling that is down or hangs breaks nothing', async () => {
  const down = () => {
    throw new Error('no socket');
  };
  for (const send of [down, () => Promise.reject(new Error('refused')), () => new Promise<void>(() => {})]) {
    const { connection, negotiation } = end(true, { send });
    connection.needNegotiation();
    connection.dispatchEvent(candidate());
    await settle();
    assert.equal(connection.signalingState, 'have-local-offer');
    await negotiation.restart(true);
    await settle();
    assert.equal(connection.signalingState, 'have-local-offer');
    await negotiation.receive({ description: { type: 'offer', sdp: 'a=ice-ufrag:7\r\n' }, offer: 1 });
    assert.equal(connection.signalingState, 'stable');
  }
});

test('after its end it makes no more offers, and repeats none', async () => {
  const a = end(false);
  a.negotiation.close();
  a.connection.needNegotiation();
  await settle();
  assert.equal(types(a), 'undefined stable');
  const b = end(false);
  b.connection.needNegotiation();
  await settle();
  b.negotiation.close();
  await b.clock.pass(60_000);
  assert.equal(b.sent.length, 1);
});

test('an end that attaches late is told the offer that it could not hear, at once', async () => {
  const [early, late] = [end(false), end(true)];
  early.connection.needNegotiation();
  await settle();
  early.sent.length = 0; // nobody listened
  await early.negotiation.receive({ hello: true });
  await deliver(early, late);
  assert.deepEqual([types(early), types(late)], ['offer stable', 'answer stable']);
  await early.negotiation.receive({ hello: true });
  assert.deepEqual(early.sent, []); // there is nothing to say
});

test('both have offered to nobody: the hello of either brings them together', async () => {
  const [rude, polite] = [end(false), end(true)];
  for (const { connection } of [rude, polite]) {
    connection.needNegotiation();
    connection.dispatchEvent(candidate());
  }
  await settle();
  for (const one of [rude, polite]) one.sent.length = 0;
  await rude.negotiation.receive({ hello: true });
  await deliver(rude, polite);
  assert.deepEqual([types(rude), types(polite)], ['offer stable', 'answer stable']);
});

test('an offer that is not answered is repeated, later and later; a lost answer is said again and applied once', async () => {
  const [a, b] = [end(false), end(true)];
  a.connection.needNegotiation();
  await a.clock.pass(1900);
  assert.equal(a.sent.length, 1);
  await a.clock.pass(200);
  assert.equal(a.sent.length, 2);
  await a.clock.pass(3600);
  assert.equal(a.sent.length, 2);
  await a.clock.pass(400);
  const said = a.sent.splice(0);
  assert.equal(said.length, 3);
  for (const offer of said) await b.negotiation.receive(offer);
  assert.equal(b.sent.length, 3);
  for (const answer of b.sent.splice(0)) await a.negotiation.receive(answer);
  assert.deepEqual([types(a), types(b)], ['offer stable', 'answer stable']);
  await a.clock.pass(120_000);
  assert.deepEqual(a.sent, []);
});

test('whatever is lost, late, or attached when, both ends agree in the end', async () => {
  for (let seed = 1; seed <= 30; ++seed) {
    const random = lottery(seed);
    const clock = new FakeClock();
    const lossy = clock.now() + 20_000;
    const ends: (End | undefined)[] = [undefined, undefined];
    for (const [at, polite] of [[0, false], [1, true]] as const) {
      const last = { arrives: 0 }; // messages may be slow, but do not overtake each other
      const send: Signal = (message) => {
        if (clock.now() < lossy && random() < 0.3) return;
        last.arrives = Math.max(last.arrives, clock.now() + random() * 1500);
        clock.after(last.arrives - clock.now(), () => void ends[1 - at]?.negotiation.receive(message));
      };
      clock.after(random() * 3000, () => {
        const one = (ends[at] = end(polite, { clock, send }));
        clock.after(random() * 3000, () => one.connection.needNegotiation());
        clock.after(random() * 15_000, () => void one.negotiation.restart(random() < 0.5).catch(() => {}));
      });
    }
    await clock.pass(120_000);
    const [a, b] = ends.map((one) => one?.connection);
    assert(a && b);
    assert.deepEqual([a.signalingState, b.signalingState], ['stable', 'stable'], `seed ${seed}`);
    assert.deepEqual([a.localDescription?.toJSON(), b.localDescription?.toJSON()], [b.remoteDescription, a.remoteDescription], `seed ${seed}`);
  }
});

/** Numbers from 0 up to 1 that are the same in each run (mulberry32). */
function lottery(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
