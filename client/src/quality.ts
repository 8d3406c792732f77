import { type Stat, type Stats, selectedPair } from './path.js';

/** From when on a value is bad. Milliseconds; loss as a share from 0 to 1. */
export interface Thresholds {
  readonly rtt: { readonly warning: number; readonly critical: number };
  readonly loss: { readonly warning: number; readonly critical: number };
  readonly jitter: { readonly warning: number; readonly critical: number };
}

export const usualThresholds: Thresholds = {
  rtt: { warning: 150, critical: 300 },
  loss: { warning: 0.02, critical: 0.08 },
  jitter: { warning: 30, critical: 75 },
};

export type Level = 'good' | 'warning' | 'critical';
type Measure = keyof Thresholds;

/** What one look at the statistics said. What the browser does not tell, or what carries no media, is left out. */
export interface Quality {
  readonly level: Level;
  /** What is at that level: empty when it is good. */
  readonly because: readonly Measure[];
  /** Milliseconds to the other end and back, by the newest connectivity check. */
  readonly rtt?: number;
  /** Of the media that came since the last look, or as the other end reports it of ours, whichever is worse. */
  readonly loss?: number;
  /** Milliseconds, the worst stream. */
  readonly jitter?: number;
}

export type Measured = Pick<Quality, Measure>;

/** Counters that only mean something against those of the next look. */
export interface Counters {
  readonly pair: string;
  readonly checksSent: number;
  readonly checksAnswered: number;
  readonly packetsReceived: number;
  readonly mediaReceived: number;
  readonly mediaLost: number;
}

export function readCounters(stats: Stats): Counters {
  const pair = selectedPair(stats);
  const inbound = [...stats.values()].filter((stat) => stat.type === 'inbound-rtp');
  const sum = (name: string) => inbound.reduce((total, stat) => total + number(stat, name), 0);
  return {
    pair: pair?.id ?? '',
    checksSent: number(pair, 'requestsSent') + number(pair, 'consentRequestsSent'),
    checksAnswered: number(pair, 'responsesReceived'),
    packetsReceived: number(pair, 'packetsReceived') || number(pair, 'bytesReceived'), // Firefox counts bytes only
    mediaReceived: sum('packetsReceived'),
    mediaLost: sum('packetsLost'),
  };
}

/** Between two looks we asked whether the other end is there, and nothing at all came back on the path. */
export function isSilent(before: Counters, now: Counters): boolean {
  return now.checksSent > before.checksSent && heardNothing(before, now);
}

/** ... asked or not. */
export function heardNothing(before: Counters, now: Counters): boolean {
  return (
    now.pair !== '' &&
    now.pair === before.pair &&
    now.checksAnswered === before.checksAnswered &&
    now.packetsReceived === before.packetsReceived
  );
}

export function measure(stats: Stats, before: Counters, now: Counters): Measured {
  const all = [...stats.values()];
  const values = (type: string, name: string) =>
    all.filter((stat) => stat.type === type && typeof stat[name] === 'number').map((stat) => stat[name] as number);
  const rtt = selectedPair(stats)?.currentRoundTripTime;
  const received = now.mediaReceived - before.mediaReceived;
  const lost = now.mediaLost - before.mediaLost;
  const losses = values('remote-inbound-rtp', 'fractionLost');
  if (received >= 0 && lost >= 0 && received + lost > 0) losses.push(lost / (received + lost));
  const jitters = [...values('inbound-rtp', 'jitter'), ...values('remote-inbound-rtp', 'jitter')];
  return {
    ...(typeof rtt === 'number' && { rtt: rtt * 1000 }),
    ...(losses.length > 0 && { loss: Math.max(...losses) }),
    ...(jitters.length > 0 && { jitter: Math.max(...jitters) * 1000 }),
  };
}

/** The level that is told, and how many looks in a row have spoken for a worse and for a better one. */
export interface Judgement {
  readonly level: Level;
  readonly worse: number;
  readonly better: number;
}

export const goodUntilShown: Judgement = { level: 'good', worse: 0, better: 0 };

const LEVELS: readonly Level[] = ['good', 'warning', 'critical'];
const MEASURES: readonly Measure[] = ['rtt', 'loss', 'jitter'];
const LOOKS_TO_WORSEN = 2;
const LOOKS_TO_IMPROVE = 3;
const IMPROVED = 0.8; // of a threshold: a value that hovers around it does not make the level flap

/** One bad look is no news, two in a row are; it is better again after three that are well below. */
export function judge(
  before: Judgement,
  measured: Measured,
  limits: Thresholds,
): { judgement: Judgement; quality: Quality; degraded: boolean } {
  const rankOf = (name: Measure, share: number) => {
    const value = measured[name] ?? 0;
    return value >= limits[name].critical * share ? 2 : value >= limits[name].warning * share ? 1 : 0;
  };
  const highest = (share: number) => Math.max(...MEASURES.map((name) => rankOf(name, share)));
  const told = LEVELS.indexOf(before.level);
  let rank = told;
  let worse = highest(1) > rank ? before.worse + 1 : 0;
  let better = highest(IMPROVED) < rank ? before.better + 1 : 0;
  if (worse >= LOOKS_TO_WORSEN || better >= LOOKS_TO_IMPROVE) {
    rank = highest(worse ? 1 : IMPROVED);
    worse = better = 0;
  }
  const level = LEVELS[rank] ?? 'good';
  // Held by hysteresis, a level may stand a while after its values have gone just below the threshold.
  const because = MEASURES.filter((name) => rank > 0 && rankOf(name, IMPROVED) >= rank);
  return { judgement: { level, worse, better }, quality: { level, because, ...measured }, degraded: rank > told };
}

function number(stat: Stat | undefined, name: string): number {
  const value = stat?.[name];
  return typeof value === 'number' ? value : 0;
}
