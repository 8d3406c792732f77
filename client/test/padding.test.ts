import assert from 'node:assert/strict';
import test from 'node:test';
import { countTurnUrls, padded } from '../src/padding.js';

const list = (...urls: string[]): RTCIceServer[] => [{ urls, username: 'u', credential: 'c' }, { urls: 'stun:s' }];

test('a list that has become shorter is made as long as before, behind what it offers', () => {
  const longer = padded(list('turn:a'), 3);
  assert.equal(countTurnUrls(longer), 3);
  assert.deepEqual(longer.slice(0, 2), list('turn:a'));
});

test('what is added is a server that no browser asks: reserved port, this machine', () => {
  assert.deepEqual(padded(list('turn:a'), 2)[2]?.urls, ['turn:127.0.0.1:9?transport=udp']);
});

test('a list that is as long, longer, or has no relays stays as it is', () => {
  assert.deepEqual(padded(list('turn:a', 'turn:b'), 2), list('turn:a', 'turn:b'));
  assert.deepEqual(padded(list('turn:a', 'turn:b'), 1), list('turn:a', 'turn:b'));
  assert.deepEqual(padded([{ urls: 'stun:s' }], 2), [{ urls: 'stun:s' }]);
});
