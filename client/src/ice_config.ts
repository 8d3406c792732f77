/** What a monitor says a client is to use: the list for RTCConfiguration.iceServers, and how long it is good for. */
export interface IceConfig {
  /** Best first. */
  readonly iceServers: RTCIceServer[];
  readonly cluster: string;
  /** The region that was asked for or given. */
  readonly region: string;
  /** Where the first relay stands: another region than `region` during a failover. */
  readonly servedBy: string;
  /** Why it was pushed: start, failover, drain, recovery, rotation, expiry or change; empty for one that was asked for. */
  readonly reason: string;
  /** When this list came, when to ask again, and when its credentials end: by this machine's clock, as Date.now(). */
  readonly receivedAt: number;
  readonly refreshAt: number;
  readonly expiresAt: number;
}

/**
 * The answer of `GET /v1/ice`, or the data of a `config` event. Times are counted from `now` by the answer's `ttl`,
 * because a user's clock may be off by hours. Asking again falls between 75 and 85 % of the life, by `random`; whoever
 * follows the events is sent a new list at 75 %, and need not ask.
 * Throws an Error when it is not such an answer.
 */
export function parseIceConfig(json: string, now: number, random: number): IceConfig {
  const answer = JSON.parse(json) as Partial<Record<string, unknown>> | null;
  const servers = answer?.iceServers;
  const ttl = answer?.ttl;
  if (!Array.isArray(servers) || typeof ttl !== 'number' || !(ttl >= 0)) {
    throw new Error('this is no answer of a Turnkeeper monitor');
  }
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return {
    iceServers: servers as RTCIceServer[],
    cluster: text(answer?.cluster),
    region: text(answer?.region),
    servedBy: text(answer?.servedBy),
    reason: text(answer?.reason),
    receivedAt: now,
    refreshAt: now + ttl * 1000 * (0.75 + random / 10),
    expiresAt: now + ttl * 1000,
  };
}

/** host:port/transport of a `turn:` or `turns:` URL (RFC 7065) with its defaults filled in; undefined for others. */
export function turnAddress(url: string): string | undefined {
  const parts = /^turn(s?):(\[[^\]]+\]|[^:?]+)(?::(\d+))?(?:\?transport=(\w+))?$/i.exec(url);
  if (!parts) return undefined;
  const [, secure, host, port, transport] = parts;
  return `${host}:${port ?? (secure ? 5349 : 3478)}/${secure ? 's' : ''}${transport ?? (secure ? 'tcp' : 'udp')}`.toLowerCase();
}

export function urlsOf(servers: readonly RTCIceServer[]): string[] {
  return servers.flatMap((server) => server.urls);
}

/** Is there a relay in `before`, an entry with TURN URLs, none of which is left in `after`? */
export function removesAny(before: IceConfig | undefined, after: IceConfig): boolean {
  const listed = new Set(urlsOf(after.iceServers).map(turnAddress));
  return (before?.iceServers ?? []).some((server) => {
    const own = urlsOf([server]).map(turnAddress).filter(Boolean);
    return own.length > 0 && !own.some((address) => listed.has(address));
  });
}
