import { type IceConfig, removesAny, turnAddress, urlsOf } from './ice_config.js';

/** One end of the path, from RTCIceCandidateStats. */
export interface PathEnd {
  readonly candidateType: RTCIceCandidateType;
  readonly protocol: string;
  /** Empty where the browser hides it. */
  readonly address: string;
  readonly port: number;
}

/** What carries the connection now: the selected candidate pair. */
export interface Path {
  /** `relay` as soon as one end goes over a TURN server. */
  readonly type: 'direct' | 'relay';
  readonly local: PathEnd;
  readonly remote: PathEnd;
  /** Of this end's relay: its URL where the browser tells (Chromium), else its relayed address; empty without one. */
  readonly relay: string;
  /** How this end speaks to its relay: udp, tcp or tls; empty without one. */
  readonly relayProtocol: string;
}

/** One entry of an RTCStatsReport; what it holds depends on its type and on the browser. */
export type Stat = Readonly<Record<string, unknown>> & { readonly id: string; readonly type: string };
/** RTCStatsReport, as far as it is read here. */
export type Stats = Pick<ReadonlyMap<string, Stat>, 'get' | 'values'>;

/** The candidate pair that is in use. */
export function selectedPair(stats: Stats): Stat | undefined {
  const all = [...stats.values()];
  const transport = all.find((stat) => stat.type === 'transport' && typeof stat.selectedCandidatePairId === 'string');
  if (transport) return stats.get(transport.selectedCandidatePairId as string);
  // Firefox has no such transport entry, and marks the pair instead.
  const pairs = all.filter((stat) => stat.type === 'candidate-pair');
  return (
    pairs.find((pair) => pair.selected === true) ?? pairs.find((pair) => pair.nominated === true && pair.state === 'succeeded')
  );
}

/** Nothing before a pair is selected. */
export function readPath(stats: Stats): Path | undefined {
  const pair = selectedPair(stats);
  const local = pair && stats.get(String(pair.localCandidateId));
  const remote = pair && stats.get(String(pair.remoteCandidateId));
  if (!local || !remote) return undefined;
  const relayed = local.candidateType === 'relay';
  return {
    type: relayed || remote.candidateType === 'relay' ? 'relay' : 'direct',
    local: end(local),
    remote: end(remote),
    relay: relayed ? text(local.url) || `${text(local.address)}:${text(local.port)}` : '',
    relayProtocol: relayed ? text(local.relayProtocol) : '',
  };
}

export function samePath(a: Path | undefined, b: Path | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * Must a connection restart, now that `config` has come? When its own relay is no longer listed: it died or it drains. A
 * relay that is listed is never left, be it the first or the last; the other end cares for its own. Where the relay is
 * not known - no path yet, a restart is under way, or the browser does not tell - the loss of any relay counts that was
 * in `gathered`, the list that the candidates are from.
 */
export function mustLeave(path: Path | undefined, gathered: IceConfig | undefined, config: IceConfig): boolean {
  if (path && path.local.candidateType !== 'relay') return false;
  const own = turnAddress(path?.relay ?? '');
  return own ? !urlsOf(config.iceServers).some((url) => turnAddress(url) === own) : removesAny(gathered, config);
}

function end(candidate: Stat): PathEnd {
  return {
    candidateType: candidate.candidateType as RTCIceCandidateType,
    protocol: text(candidate.protocol),
    address: text(candidate.address),
    port: Number(candidate.port ?? 0),
  };
}

function text(value: unknown): string {
  return value === undefined || value === null ? '' : String(value);
}
