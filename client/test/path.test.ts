import assert from 'node:assert/strict';
import test from 'node:test';
import { mustLeave, type Path, readPath, samePath } from '../src/path.js';
import { config } from './answers.js';
import { stats } from './stats.js';

const CHROMIUM = [
  { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
  { id: 'Q', type: 'candidate-pair', localCandidateId: 'H', remoteCandidateId: 'R', nominated: true, state: 'succeeded' },
  { id: 'P', type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R', nominated: true, state: 'succeeded' },
  { id: 'L', type: 'local-candidate', candidateType: 'relay', protocol: 'udp', address: '192.0.2.1', port: 50_000,
    relayProtocol: 'tls', url: 'turns:192.0.2.1:443?transport=tcp' },
  { id: 'H', type: 'local-candidate', candidateType: 'host', protocol: 'udp', address: '', port: 6000 },
  { id: 'R', type: 'remote-candidate', candidateType: 'prflx', protocol: 'udp', address: '198.51.100.7', port: 6001 },
];

test('a relayed path says over which relay and how', () => {
  assert.deepEqual(readPath(stats(CHROMIUM)), {
    type: 'relay',
    local: { candidateType: 'relay', protocol: 'udp', address: '192.0.2.1', port: 50_000 },
    remote: { candidateType: 'prflx', protocol: 'udp', address: '198.51.100.7', port: 6001 },
    relay: 'turns:192.0.2.1:443?transport=tcp',
    relayProtocol: 'tls',
  });
});

test('Firefox, which names no selected pair and no relay URL, is understood', () => {
  const firefox = CHROMIUM.filter((stat) => stat.type !== 'transport').map((stat) => ({
    ...stat,
    url: undefined,
    ...(stat.id === 'P' && { selected: true }),
  }));
  const path = readPath(stats(firefox));
  assert.equal(path?.type, 'relay');
  assert.equal(path?.relay, '192.0.2.1:50000');
});

test('a path without a relay is direct; one whose other end uses a relay is not', () => {
  const change = (id: string, candidateType: string) =>
    CHROMIUM.map((stat) => (stat.id === id ? { ...stat, candidateType } : stat));
  assert.equal(readPath(stats(change('L', 'host')))?.type, 'direct');
  assert.equal(readPath(stats(change('L', 'host')))?.relay, '');
  assert.equal(readPath(stats(change('L', 'host').map((s) => (s.id === 'R' ? { ...s, candidateType: 'relay' } : s))))?.type, 'relay');
});

test('before a pair is chosen there is no path', () => {
  assert.equal(readPath(stats([])), undefined);
  assert.equal(readPath(stats(CHROMIUM.filter((stat) => stat.id !== 'R'))), undefined);
});

test('a new port on the same relay is another path', () => {
  const path = readPath(stats(CHROMIUM));
  assert(samePath(path, readPath(stats(CHROMIUM))));
  assert(!samePath(path, readPath(stats(CHROMIUM.map((stat) => (stat.id === 'L' ? { ...stat, port: 50_001 } : stat))))));
  assert(!samePath(path, undefined));
});

function over(relay: string, candidateType: RTCIceCandidateType = 'relay'): Path {
  const end = { candidateType, protocol: 'udp', address: '', port: 1 };
  return { type: 'relay', local: end, remote: end, relay, relayProtocol: 'udp' };
}

test('a call leaves a relay that has left the list, and no other', () => {
  const before = config(['turn:a', 'turn:a?transport=tcp'], ['turn:b']);
  assert(mustLeave(over('turn:a:3478?transport=udp'), before, config(['turn:b'])));
  assert(mustLeave(over('turn:a:3478?transport=udp'), before, config(['turn:a?transport=tcp'], ['turn:b'])));
  assert(!mustLeave(over('turn:b:3478?transport=udp'), before, config(['turn:b'])));
  assert(!mustLeave(over('turn:b:3478?transport=udp'), before, config(['turn:c'], ['turn:b'])));
});

test('a direct call is left alone, whatever happens to the relays', () => {
  assert(!mustLeave(over('', 'host'), config(['turn:a']), config(['turn:b'])));
});

test('while no path is chosen, a restart is made again only when a relay that it may count on has gone', () => {
  assert(mustLeave(undefined, config(['turn:a'], ['turn:b']), config(['turn:a'])));
  assert(!mustLeave(undefined, config(['turn:a', 'turn:a?transport=tcp']), config(['turn:a'], ['turn:b'])));
});

test('where the browser hides which relay it is, the loss of any counts', () => {
  assert(mustLeave(over('192.0.2.1:50000'), config(['turn:a'], ['turn:b']), config(['turn:b'])));
  assert(!mustLeave(over('192.0.2.1:50000'), config(['turn:a']), config(['turn:a'], ['turn:b'])));
});
