import type { Stat, Stats } from '../src/path.js';

export function stats(entries: Stat[]): Stats {
  return new Map(entries.map((entry) => [entry.id, entry]));
}
