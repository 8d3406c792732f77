import assert from 'node:assert/strict';
import test from 'node:test';
import { goodUntilShown, isSilent, judge, measure, type Measured, readCounters, usualThresholds } from '../src/quality.js';
import { stats } from './stats.js';

/** The levels that are told when these come one after another; ! marks `degraded`. */
function told(looks: Measured[]): string {
  let judgement = goodUntilShown;
  return looks
    .map((look) => {
      const next = judge(judgement, look, usualThresholds);
      judgement = next.judgement;
      return next.quality.level[0] + (next.degraded ? '!' : '');
    })
    .join(' ');
}
const rtts = (...values: number[]) => values.map((rtt) => ({ rtt }));

test('150 ms is a warning, 300 ms is critical, when it lasts two looks', () => {
  assert.equal(told(rtts(149, 149, 150, 150)), 'g g g w!');
  assert.equal(told(rtts(150, 150, 300, 300)), 'g w! w c!');
  assert.equal(told(rtts(400, 400)), 'g c!');
});

test('one bad look is no news', () => {
  assert.equal(told(rtts(20, 900, 20, 900, 20)), 'g g g g g');
});

test('a value that hovers around the threshold does not flap', () => {
  assert.equal(told(rtts(151, 151, 149, 151, 140, 125, 149, 151)), 'g w! w w w w w w');
});

test('it is good again after three looks well below, and told as bad again afterwards', () => {
  assert.equal(told(rtts(160, 160, 100, 100, 100, 160, 160)), 'g w! w w g g w!');
  assert.equal(told(rtts(400, 400, 160, 160, 160, 100, 100, 100)), 'g c! c c w w w g');
});

test('loss and jitter count as well, and the quality says what is bad', () => {
  assert.equal(told([{ loss: 0.1 }, { loss: 0.1 }]), 'g c!');
  assert.equal(told([{ jitter: 40 }, { jitter: 40 }]), 'g w!');
  const first = judge(goodUntilShown, { rtt: 350, loss: 0.03 }, usualThresholds);
  const { quality } = judge(first.judgement, { rtt: 350, loss: 0.03 }, usualThresholds);
  assert.deepEqual(quality, { level: 'critical', because: ['rtt'], rtt: 350, loss: 0.03 });
});

test('what is not measured is not bad', () => {
  assert.equal(told([{}, {}, {}]), 'g g g');
  assert.deepEqual(judge(goodUntilShown, {}, usualThresholds).quality, { level: 'good', because: [] });
});

const look = (pair: object, ...media: { id: string; type: string }[]) =>
  stats([
    { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
    { id: 'P', type: 'candidate-pair', ...pair },
    ...media,
  ]);

test('round trip, loss and jitter come from the statistics since the last look', () => {
  const stream = (received: number, lost: number) => ({
    id: 'I', type: 'inbound-rtp', packetsReceived: received, packetsLost: lost, jitter: 0.012,
  });
  const before = look({ currentRoundTripTime: 0.2 }, stream(1000, 500));
  const now = look({ currentRoundTripTime: 0.05 }, stream(1090, 510));
  assert.deepEqual(measure(now, readCounters(before), readCounters(now)), { rtt: 50, loss: 0.1, jitter: 12 });
  const reported = look({}, stream(1090, 510), { ...{ fractionLost: 0.25, jitter: 0.5 }, id: 'O', type: 'remote-inbound-rtp' });
  assert.deepEqual(measure(reported, readCounters(before), readCounters(reported)), { loss: 0.25, jitter: 500 });
});

test('a data channel alone has a round trip only', () => {
  const now = look({ currentRoundTripTime: 0.001 });
  assert.deepEqual(measure(now, readCounters(now), readCounters(now)), { rtt: 1 });
});

test('silence is: we asked, and nothing at all came back on the same path', () => {
  const counters = (requestsSent: number, responsesReceived: number, packetsReceived: number) =>
    readCounters(look({ requestsSent, responsesReceived, packetsReceived }));
  assert(isSilent(counters(4, 4, 90), counters(5, 4, 90)));
  assert(!isSilent(counters(4, 4, 90), counters(5, 5, 91)), 'answered');
  assert(!isSilent(counters(4, 4, 90), counters(5, 4, 95)), 'media came');
  assert(!isSilent(counters(4, 4, 90), counters(4, 4, 90)), 'nobody asked');
  assert(!isSilent({ ...counters(4, 4, 90), pair: 'Q' }, counters(5, 4, 90)), 'another path');
  assert(!isSilent(readCounters(stats([])), readCounters(stats([]))), 'no path');
});
