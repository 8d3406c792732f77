import assert from 'node:assert/strict';
import test from 'node:test';
import { Negotiation, type SignalMessage } from '../src/negotiation.js';
import { settle } from './fake_clock.js';

/** The signalling state of an RTCPeerConnection, without a network. */
class FakeConnection extends EventTarget {
  signalingState: RTCSignalingState = 'stable';
  localDescription: { type: string; sdp: string; toJSON(): object } | null = null;
  remoteDescription: { type: string; sdp: string } | null = null;
  readonly candidates: unknown[] = [];
  #generation = 0;

  async setLocalDescription(description?: { type: string }): Promise<void> {
    await null;
    if (description?.type === 'rollback') {
      this.signalingState = 'stable';
      return;
    }
    const type = this.signalingState === 'have-remote-offer' ? 'answer' : 'offer';
    this.signalingState = type === 'answer' ? 'stable' : 'have-local-offer';
    const plain = { type, sdp: `a=ice-ufrag:${this.#generation}\r\n` };
    this.localDescription = { ...plain, toJSON: () => plain };
  }
  async setRemoteDescription(description: { type: string; sdp: string }): Promise<void> {
    await null;
    this.remoteDescription = description;
    this.signalingState = description.type === 'offer' ? 'have-remote-offer' : 'stable';
  }
  async addIceCandidate(candidate: unknown): Promise<void> {
    this.candidates.push(candidate);
  }
  restartIce(): void {
    ++this.#generation;
    if (this.signalingState === 'stable') this.needNegotiation();
  }
  needNegotiation(): void {
    this.dispatchEvent(new Event('negotiationneeded'));
  }
}

function end(polite: boolean, beforeRestart = async () => {}) {
  const connection = new FakeConnection();
  const sent: SignalMessage[] = [];
  const negotiation = new Negotiation(
    connection as unknown as RTCPeerConnection,
    (message) => void sent.push(message),
    polite,
    beforeRestart,
  );
  return { connection, negotiation, sent };
}
type End = ReturnType<typeof end>;

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
  rude.connection.needNegotiation();
  polite.connection.needNegotiation();
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
  const [a, b] = [end(false), end(true, () => (++asked, new Promise<void>((resolve) => (go = resolve))))];
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

test('signalling that is down breaks nothing', async () => {
  const connection = new FakeConnection();
  const down = () => {
    throw new Error('no socket');
  };
  const negotiation = new Negotiation(connection as unknown as RTCPeerConnection, down, true, async () => {});
  connection.needNegotiation();
  await settle();
  assert.equal(connection.signalingState, 'have-local-offer');
  await negotiation.restart(true);
  await settle();
  assert.equal(connection.signalingState, 'have-local-offer');
});

test('after its end it makes no more offers', async () => {
  const a = end(false);
  a.negotiation.close();
  a.connection.needNegotiation();
  await settle();
  assert.equal(types(a), 'undefined stable');
});
