import { backoff } from './backoff.js';
import type { IceConfig } from './ice_config.js';

/** What is known of the list, and when to ask for it next. A list is kept until a newer one replaces it. */
export interface Freshness {
  readonly config?: IceConfig;
  readonly failures: number;
  /** As Date.now(). */
  readonly askAt: number;
}

export const nothingYet: Freshness = { failures: 0, askAt: 0 };

export function received(config: IceConfig): Freshness {
  return { config, failures: 0, askAt: config.refreshAt };
}

/** The monitor is away: what is there stays, expired or not, because an old credential is better than none. */
export function failed(before: Freshness, now: number, random: number): Freshness {
  const failures = before.failures + 1;
  return { ...before, failures, askAt: now + backoff(failures, random) };
}

/** Is there a list that needs no asking? */
export function isFresh(freshness: Freshness, now: number): boolean {
  return freshness.config !== undefined && now < freshness.config.refreshAt;
}
