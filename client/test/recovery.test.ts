import assert from 'node:assert/strict';
import test from 'node:test';
import { recover, type Recovery, type RecoveryEvent, steady } from '../src/recovery.js';

/** Plays a call: what it does at which second. */
class Call {
  recovery: Recovery = steady;
  said: string[] = [];
  #now = 0;

  event(event: RecoveryEvent): this {
    const step = recover(this.recovery, event, this.#now);
    this.recovery = step.recovery;
    if (step.restart) this.said.push(`${this.#now / 1000}s ${step.restart.reason} ${step.restart.attempt}`);
    if (step.gaveUp) this.said.push(`${this.#now / 1000}s connectionfailed`);
    return this;
  }
  is(state: RTCPeerConnectionState): this {
    return this.event({ kind: 'connection', state });
  }
  /** Time passes, and whoever wants to be woken is. */
  until(second: number): this {
    const end = second * 1000;
    while (this.recovery.wakeAt !== undefined && this.recovery.wakeAt <= end) {
      this.#now = this.recovery.wakeAt;
      this.event({ kind: 'tick' });
    }
    this.#now = end;
    return this;
  }
}
const connected = () => new Call().is('connecting').is('connected');

test('a failed connection is restarted at once', () => {
  assert.deepEqual(connected().until(60).is('failed').said, ['60s failed 1']);
});

test('a disconnected one gets five seconds to heal by itself', () => {
  assert.deepEqual(connected().is('disconnected').until(4.9).is('connected').until(60).said, []);
  assert.deepEqual(connected().is('disconnected').until(14).said, ['5s disconnected 1']);
});

test('after three attempts that lead nowhere the connection has failed', () => {
  assert.deepEqual(connected().is('disconnected').until(100).said, [
    '5s disconnected 1',
    '15s unanswered 2',
    '25s unanswered 3',
    '35s connectionfailed',
  ]);
  assert.deepEqual(connected().is('failed').until(5).is('connecting').is('failed').is('connecting').is('failed').is('failed').said, [
    '0s failed 1',
    '5s failed 2',
    '5s failed 3',
    '5s connectionfailed',
  ]);
});

test('a connection that came back has all attempts again', () => {
  const call = connected().is('failed').until(15).is('connecting').is('connected').until(300).is('failed');
  assert.deepEqual(call.said, ['0s failed 1', '10s unanswered 2', '300s failed 1']);
});

test('a relay that left the list is left at once, even while it still works', () => {
  const call = connected().until(9).event({ kind: 'moved' });
  assert.deepEqual(call.said, ['9s moved 1']);
  assert.equal(call.event({ kind: 'settled' }).recovery.phase, 'steady');
  assert.deepEqual(call.until(100).said, ['9s moved 1']);
});

test('a restart that changes nothing on a connection that works is not repeated', () => {
  assert.deepEqual(connected().event({ kind: 'moved' }).until(100).said, ['0s moved 1']);
});

test('a restart for a dead relay that led nowhere is repeated', () => {
  const call = connected().event({ kind: 'moved' }).until(5).is('disconnected').until(12).is('connected').until(100);
  assert.deepEqual(call.said, ['0s moved 1', '10s unanswered 2']);
});

test('a new list gives new hope to a connection that was given up', () => {
  const call = connected().is('disconnected').until(40).is('failed');
  assert.equal(call.recovery.phase, 'given-up');
  call.said = [];
  assert.deepEqual(call.event({ kind: 'moved' }).is('connected').until(100).said, ['40s moved 1']);
});

test('one that was given up and comes back by the other end is looked after again', () => {
  const call = connected().is('disconnected').until(40);
  call.said = [];
  assert.deepEqual(call.is('connected').until(50).is('failed').said, ['50s failed 1']);
});

test('a first connection that fails is tried again too', () => {
  assert.deepEqual(new Call().is('connecting').until(15).is('failed').said, ['15s failed 1']);
});

test('a closed one is left in peace', () => {
  assert.deepEqual(connected().is('disconnected').is('closed').until(100).event({ kind: 'moved' }).said, []);
});

test('a path that has fallen silent is left while the browser still believes in it', () => {
  assert.deepEqual(connected().until(7).event({ kind: 'silent' }).event({ kind: 'silent' }).said, ['7s silent 1']);
  assert.deepEqual(connected().is('disconnected').until(2).event({ kind: 'silent' }).until(11).said, ['2s silent 1']);
  assert.deepEqual(connected().event({ kind: 'moved' }).event({ kind: 'silent' }).said, ['0s moved 1']);
});

test('a restart of the other end is waited for as for one of ours, and is none of our attempts', () => {
  const call = connected().event({ kind: 'theirs' });
  assert.equal(call.recovery.phase, 'restarting');
  assert.equal(call.event({ kind: 'settled' }).recovery.phase, 'steady');
  assert.deepEqual(connected().event({ kind: 'theirs' }).until(100).said, [], 'the old path works');
  assert.deepEqual(connected().event({ kind: 'theirs' }).is('disconnected').until(11).said, ['10s unanswered 1']);
  assert.deepEqual(connected().event({ kind: 'moved' }).event({ kind: 'theirs' }).is('failed').said, ['0s moved 1', '0s failed 2']);
});

test('nothing is tried once DTLS has failed', () => {
  const call = connected().event({ kind: 'broken' }).is('failed').event({ kind: 'moved' }).event({ kind: 'silent' }).until(100);
  assert.deepEqual(call.said, ['0s connectionfailed']);
});
