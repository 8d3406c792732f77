import assert from 'node:assert/strict';
import test from 'node:test';
import { parseIceConfig, removesAny, turnAddress } from '../src/ice_config.js';
import { answer, config } from './answers.js';

test('times count from when the answer came: a clock that is wrong by hours does not matter', () => {
  const parsed = parseIceConfig(answer([['turn:192.0.2.1']], 86400), 5000, 0);
  assert.equal(parsed.expiresAt, 5000 + 86_400_000);
  assert.equal(parsed.refreshAt, 5000 + 64_800_000);
  assert.equal(parsed.servedBy, 'eu');
});

test('clients do not all ask again at the same moment', () => {
  const latest = parseIceConfig(answer([], 1000), 0, 0.999);
  assert(latest.refreshAt > 840_000 && latest.refreshAt < 850_000, String(latest.refreshAt));
});

test('what is no ICE config is refused', () => {
  for (const text of ['{}', 'null', '[]', '{"iceServers":{},"ttl":1}', '{"iceServers":[],"ttl":"1"}', '{"iceServers":[],"ttl":-1}']) {
    assert.throws(() => parseIceConfig(text, 0, 0), /monitor/);
  }
  assert.throws(() => parseIceConfig('<html>', 0, 0), /JSON/);
});

test('URLs that mean the same server are the same', () => {
  assert.equal(turnAddress('turn:relay.example.org'), turnAddress('turn:Relay.example.org:3478?transport=udp'));
  assert.equal(turnAddress('turns:relay.example.org'), turnAddress('turns:relay.example.org:5349?transport=tcp'));
  assert.equal(turnAddress('turn:[2001:db8::1]:3478?transport=tcp'), '[2001:db8::1]:3478/tcp');
  const different = ['turn:a', 'turn:b', 'turn:a:3479', 'turn:a?transport=tcp', 'turns:a', 'turns:a:3478?transport=tcp'];
  assert.equal(new Set(different.map(turnAddress)).size, different.length);
  for (const other of ['stun:a:3478', '192.0.2.1:3478', '']) assert.equal(turnAddress(other), undefined);
});

test('a relay is gone when all of its URLs are', () => {
  const both = config(['turn:a', 'turn:a?transport=tcp'], ['turn:b']);
  assert(removesAny(both, config(['turn:b'])));
  assert(!removesAny(both, config(['turn:b'], ['turn:a?transport=tcp'], ['turn:c'])));
  assert(!removesAny(config(['stun:s'], ['turn:a']), config(['turn:a'])));
  assert(!removesAny(undefined, both));
});
