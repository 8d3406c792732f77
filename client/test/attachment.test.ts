import assert from 'node:assert/strict';
import test from 'node:test';
import { Attachment } from '../src/attachment.js';
import { Emitter } from '../src/emitter.js';
import type { ConfigFeed, FeedEvents } from '../src/feed.js';
import type { IceConfig } from '../src/ice_config.js';
import { config } from './answers.js';
import { FakeClock, settle } from './fake_clock.js';
import { stats } from './stats.js';

// The o= lines of their descriptions.
const FIREFOX = 'mozilla...THIS_IS_SDPARTA-99.0 7 8 IN IP4 0.0.0.0';
const CHROMIUM = '- 7 8 IN IP4 127.0.0.1';

const A = 'turn:192.0.2.1:3478?transport=udp';
const B = 'turn:192.0.2.2:3478?transport=udp';
const C = 'turn:192.0.2.3:3478?transport=udp';

/** A connection that is up over relay A; what it is told and what its statistics say is the test's. */
class FakeConnection extends EventTarget {
  connectionState = 'connected';
  signalingState = 'stable';
  localDescription: unknown;
  remoteDescription: unknown;
  sctp = { transport: { state: 'connected' } };
  relay = A;
  answers = true;
  readonly given: string[] = [];
  #checks = 0;
  #answered = 0;
  restarts = 0;

  constructor(origin: string) {
    super();
    this.localDescription = { sdp: `v=0\r\no=${origin}\r\na=ice-ufrag:here\r\n` };
    this.remoteDescription = { sdp: `v=0\r\no=${origin}\r\na=ice-ufrag:there\r\n` };
  }
  getConfiguration = () => ({});
  setConfiguration = ({ iceServers }: RTCConfiguration) => void this.given.push((iceServers ?? []).flatMap(({ urls }) => urls).join(' '));
  getSenders = () => [];
  restartIce = () => void ++this.restarts;
  getStats = async () => {
    ++this.#checks;
    if (this.answers) ++this.#answered;
    return stats([
      { id: 'T', type: 'transport', selectedCandidatePairId: this.relay },
      { id: this.relay, type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R', requestsSent: this.#checks, responsesReceived: this.#answered },
      { id: 'L', type: 'local-candidate', candidateType: 'relay', url: this.relay },
      { id: 'R', type: 'remote-candidate', candidateType: 'relay' },
    ]);
  };
  async becomes(change: object, event: string): Promise<void> {
    Object.assign(this, change);
    this.dispatchEvent(new Event(event));
    await settle();
  }
}

class FakeFeed extends Emitter<FeedEvents> {
  current = config([A], [B]);
  asked = 0;
  follow = () => () => {};
  refresh = async () => {
    ++this.asked;
    return this.current;
  };
  async push(next: IceConfig): Promise<void> {
    this.current = next;
    this.emit('config', next);
    await settle();
  }
}

async function attached(origin: string) {
  const clock = new FakeClock();
  const feed = new FakeFeed();
  const connection = new FakeConnection(origin);
  const call = new Attachment(connection as unknown as RTCPeerConnection, feed as unknown as ConfigFeed, {}, { clock, forceRelay: false, onEnd() {} });
  const restarts: string[] = [];
  call.on('restart', ({ reason, attempt }) => restarts.push(`${reason} ${attempt}`));
  let lost = 0;
  call.on('connectionfailed', () => ++lost);
  await clock.pass(2100);
  return { clock, feed, connection, restarts, lost: () => lost };
}
test('loss of echo on a relay that is still listed: the list is asked for, and ICE restarts before the browser notices', async () => {
  const { clock, feed, connection, restarts } = await attached(CHROMIUM);
  await clock.pass(6000);
  assert.deepEqual([feed.asked, restarts], [0, []], 'as long as it answers');
  connection.answers = false;
  await clock.pass(4600);
  assert.equal(feed.asked > 0, true);
  assert.deepEqual([restarts, connection.restarts], [['silent 1'], 1]);
  // The answer comes over another path, and all is well.
  connection.answers = true;
  connection.relay = B;
  await clock.pass(20_000);
  assert.deepEqual(restarts, ['silent 1']);
});

test('a pause of a moment is no loss of echo', async () => {
  const { clock, connection, restarts } = await attached(CHROMIUM);
  connection.answers = false;
  await clock.pass(2000);
  connection.answers = true;
  await clock.pass(10_000);
  assert.deepEqual(restarts, []);
});

test('with a Firefox in the call a restart that can succeed is never overtaken by another one', async () => {
  const { clock, feed, connection, restarts } = await attached(FIREFOX);
  await feed.push(config([B], [C]));
  assert.deepEqual([restarts, connection.given.at(-1)], [['moved 1'], `${B} ${C}`]);
  await feed.push(config([C])); // B falls as well, C is left of what was gathered
  await clock.pass(300);
  assert.deepEqual([restarts, connection.given.at(-1)], [['moved 1'], `${B} ${C}`], 'setConfiguration would restart it too');
  connection.relay = C;
  await clock.pass(300);
  assert.deepEqual([restarts, connection.given.at(-1)], [['moved 1'], C], 'on C, which is listed');
});

test('... but is repeated when it ended on a relay that has fallen meanwhile, or when all have', async () => {
  const { clock, feed, connection, restarts } = await attached(FIREFOX);
  await feed.push(config([B], [C]));
  await feed.push(config([C]));
  connection.relay = B;
  await clock.pass(300);
  assert.deepEqual(restarts, ['moved 1', 'moved 1']);
  await feed.push(config([A]));
  assert.deepEqual(restarts, ['moved 1', 'moved 1', 'moved 1']);
});

test('the restart of the other end is ours as well', async () => {
  const { clock, feed, connection, restarts } = await attached(FIREFOX);
  await connection.becomes({ signalingState: 'have-local-offer' }, 'signalingstatechange');
  await feed.push(config([B], [C]));
  assert.deepEqual([restarts, connection.given.at(-1)], [[], `${A} ${B}`], 'not between an offer and its answer');
  const remoteDescription = { sdp: `o=${FIREFOX}\r\na=ice-ufrag:restarted\r\n` };
  await connection.becomes({ signalingState: 'have-remote-offer', remoteDescription }, 'signalingstatechange');
  assert.equal(connection.given.at(-1), `${B} ${C}`, 'what we answer is from the newest list');
  await connection.becomes({ signalingState: 'stable' }, 'signalingstatechange');
  await clock.pass(500);
  connection.relay = B;
  await clock.pass(20_000);
  assert.deepEqual(restarts, []);
});

test('a DTLS that has failed is told at once: no restart mends it', async () => {
  const { clock, feed, connection, restarts, lost } = await attached(FIREFOX);
  await connection.becomes({ connectionState: 'failed', sctp: { transport: { state: 'failed' } } }, 'connectionstatechange');
  await feed.push(config([C]));
  await clock.pass(60_000);
  assert.deepEqual([restarts, lost()], [[], 1]);
});
