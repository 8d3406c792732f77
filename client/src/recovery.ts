/** Why an ICE restart is made. `moved`: the relay in use has left the list. `silent`: nothing comes back over a path that is said to be connected. */
export type RestartReason = 'moved' | 'silent' | 'failed' | 'disconnected' | 'unanswered';

export interface RecoveryLimits {
  /** Milliseconds that `disconnected` may last: most of them heal by themselves. */
  readonly patience: number;
  /** Milliseconds for one restart to lead to a connection. */
  readonly attempt: number;
  readonly attempts: number;
}

export const usualLimits: RecoveryLimits = { patience: 5000, attempt: 10_000, attempts: 3 };

export interface Recovery {
  /** waiting: disconnected, for how long? restarting: a restart is under way, ours or the other end's. broken: for good. */
  readonly phase: 'steady' | 'waiting' | 'restarting' | 'given-up' | 'broken';
  readonly connection: RTCPeerConnectionState;
  readonly attempts: number;
  /** When to come back with `tick`, as Date.now(). */
  readonly wakeAt?: number;
}

export type RecoveryEvent =
  | { readonly kind: 'connection'; readonly state: RTCPeerConnectionState }
  | { readonly kind: 'moved' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'theirs' } // the other end restarts
  | { readonly kind: 'broken' } // DTLS has failed, which no ICE restart mends
  | { readonly kind: 'settled' } // another path has been selected
  | { readonly kind: 'tick' };

export interface Step {
  readonly recovery: Recovery;
  readonly restart?: { readonly reason: RestartReason; readonly attempt: number };
  readonly gaveUp?: true;
}

export const steady: Recovery = { phase: 'steady', connection: 'new', attempts: 0 };

/** What a connection needs after an event: nothing, an ICE restart, or the truth that it cannot be saved. */
export function recover(before: Recovery, event: RecoveryEvent, now: number, limits: RecoveryLimits = usualLimits): Step {
  const calm = (connection: RTCPeerConnectionState): Step => ({ recovery: { phase: 'steady', connection, attempts: 0 } });
  const restart = (reason: RestartReason, connection: RTCPeerConnectionState, made: number): Step => {
    if (made >= limits.attempts) return { recovery: { phase: 'given-up', connection, attempts: made }, gaveUp: true };
    const attempt = made + 1;
    return {
      recovery: { phase: 'restarting', connection, attempts: attempt, wakeAt: now + limits.attempt },
      restart: { reason, attempt },
    };
  };

  if (before.phase === 'broken') return { recovery: before };
  switch (event.kind) {
    case 'connection': {
      const connection = event.state;
      if (connection === 'connected' || connection === 'closed') return calm(connection);
      if (connection === 'failed' && before.phase !== 'given-up') return restart('failed', connection, before.attempts);
      if (connection === 'disconnected' && before.phase === 'steady') {
        return { recovery: { ...before, phase: 'waiting', connection, wakeAt: now + limits.patience } };
      }
      return { recovery: { ...before, connection } };
    }
    case 'moved': // the list is new, and so is the hope
      return before.connection === 'closed' ? { recovery: before } : restart('moved', before.connection, 0);
    case 'silent':
      return before.phase === 'steady' || before.phase === 'waiting' ? restart('silent', before.connection, 0) : { recovery: before };
    case 'theirs': // not one of our attempts, but it is given as much time
      if (before.phase === 'restarting' || before.phase === 'given-up') return { recovery: before };
      return { recovery: { ...before, phase: 'restarting', attempts: 0, wakeAt: now + limits.attempt } };
    case 'broken':
      return { recovery: { phase: 'broken', connection: before.connection, attempts: before.attempts }, gaveUp: true };
    case 'settled':
      return before.phase === 'restarting' && before.connection === 'connected' ? calm('connected') : { recovery: before };
    case 'tick': {
      if (before.wakeAt === undefined || now < before.wakeAt) return { recovery: before };
      if (before.connection === 'connected') return calm('connected');
      return restart(before.phase === 'waiting' ? 'disconnected' : 'unanswered', before.connection, before.attempts);
    }
  }
}
