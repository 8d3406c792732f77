/** Time and chance, so that tests have them in their hands. */
export interface Clock {
  /** Milliseconds since 1970, as Date.now(): it goes on while the machine sleeps. */
  now(): number;
  /** Calls back once, after so many milliseconds (fewer than 2^31); returns what calls it off. */
  after(milliseconds: number, callback: () => void): () => void;
  /** From 0 up to, not including, 1. */
  random(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};
