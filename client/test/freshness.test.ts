import assert from 'node:assert/strict';
import test from 'node:test';
import { backoff } from '../src/backoff.js';
import { failed, isFresh, nothingYet, received } from '../src/freshness.js';
import { config } from './answers.js';

test('a list is good for three quarters of its life, then it is asked for again', () => {
  const fresh = received(config(['turn:a'])); // 1000 s from 0
  assert.equal(fresh.askAt, 750_000);
  assert(isFresh(fresh, 749_999));
  assert(!isFresh(fresh, 750_000));
  assert(!isFresh(nothingYet, 0));
});

test('a monitor that is away takes nothing from us, and is asked less and less often', () => {
  let now = 2_000_000; // expired long ago
  let state = received(config(['turn:a']));
  const waits = [];
  for (let i = 0; i < 7; ++i) {
    state = failed(state, now, 0.999999);
    waits.push(Math.round((state.askAt - now) / 1000));
    now = state.askAt;
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 30, 30]);
  assert.deepEqual(state.config?.iceServers[0]?.urls, ['turn:a']);
  assert.equal(received(config(['turn:b'])).failures, 0);
});

test('clients that lost their monitor together come back spread over half of the wait', () => {
  assert.equal(backoff(1, 0), 500);
  assert.equal(backoff(1, 0.5), 750);
  assert.equal(backoff(1, 0, 3000), 1500);
  assert.equal(backoff(1000, 0), 15_000);
});
