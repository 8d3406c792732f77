/**
 * Milliseconds to wait after the n-th failure in a row (n >= 1): doubled each time up to half a minute, and spread, so
 * that the clients of a monitor that died do not all come to the next one in the same instant.
 */
export function backoff(failures: number, random: number, first = 1000, longest = 30_000): number {
  return Math.min(first * 2 ** (failures - 1), longest) * (0.5 + random / 2);
}
