import type { Clock } from '../src/clock.js';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** Time that passes when a test says so. */
export class FakeClock implements Clock {
  chance = 0;
  #now = 1_000_000;
  #timers: Timer[] = [];

  now = () => this.#now;
  random = () => this.chance;
  after = (milliseconds: number, callback: () => void) => {
    const timer = { at: this.#now + Math.max(0, milliseconds), callback };
    this.#timers.push(timer);
    return () => void (this.#timers = this.#timers.filter((other) => other !== timer));
  };

  /** Lets the time pass, with all that becomes due in it and what follows from that. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await settle();
    for (let due; (due = this.#next()) && due.at <= end; await settle()) {
      this.#now = Math.max(this.#now, due.at);
      this.#timers = this.#timers.filter((timer) => timer !== due);
      due.callback();
    }
    this.#now = end;
  }

  /** Milliseconds until the next timer; undefined when there is none. */
  get next(): number | undefined {
    const next = this.#next();
    return next && next.at - this.#now;
  }

  #next() {
    return this.#timers.reduce<Timer | undefined>(
      (first, timer) => (first && first.at <= timer.at ? first : timer),
      undefined,
    );
  }
}

/** Until nothing is left to do but to wait. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; ++i) await new Promise((resolve) => setTimeout(resolve, 0));
}
