import assert from 'node:assert/strict';
import test from 'node:test';
import { CallRecord } from '../src/report.js';
import { config } from './answers.js';

const PATH = {
  type: 'relay',
  local: { candidateType: 'relay', protocol: 'udp', address: '192.0.2.1', port: 50_000 },
  remote: { candidateType: 'prflx', protocol: 'udp', address: '198.51.100.7', port: 6001 },
  relay: 'turn:192.0.2.1:3478?transport=tcp',
  relayProtocol: 'tcp',
} as const;

test('a report says how the call went', () => {
  const record = new CallRecord(1000);
  record.negotiating(2000);
  record.negotiating(2500);
  record.connected(2400);
  record.takes(PATH);
  record.rtt(20);
  record.rtt(40.4);
  record.restart();
  record.gap(312.4);
  record.connected(9000);
  assert.deepEqual(record.report(config(['turn:a']), 11_000), {
    cluster: 'demo',
    region: 'eu',
    connected: true,
    lost: false,
    connectMs: 400,
    durationMs: 10_000,
    type: 'relay',
    localCandidate: 'relay',
    remoteCandidate: 'prflx',
    protocol: 'udp',
    relay: 'turn:192.0.2.1:3478?transport=tcp',
    relayProtocol: 'tcp',
    rttMs: { mean: 30, max: 40 },
    restarts: 1,
    gapsMs: [312],
  });
});

test('it names nobody: no user, no address of a person', () => {
  const record = new CallRecord(0);
  record.takes(PATH);
  const text = JSON.stringify(record.report(config(['turn:a']), 1));
  assert(!text.includes('198.51.100.7') && !text.includes('alice') && !text.includes('c2VjcmV0'), text);
});

test('a call that never came about is told as that', () => {
  const record = new CallRecord(0);
  record.negotiating(0);
  record.lost();
  const report = record.report(undefined, 30_000);
  assert.deepEqual(report, { cluster: '', region: '', connected: false, lost: true, durationMs: 30_000, restarts: 0, gapsMs: [] });
});

test('a call that was given up and came back was not lost, and its report stays small', () => {
  const record = new CallRecord(0);
  record.lost();
  record.connected(5);
  for (let i = 0; i < 1000; ++i) record.gap(i);
  const report = record.report(undefined, 10);
  assert.equal(report.lost, false);
  assert.equal(report.gapsMs.length, 100);
});
