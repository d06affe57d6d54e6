/** Knows when this process was not scheduled or its event loop was busy: what is late then is not the driver's fault. */
export interface StallMeter {
  /** Milliseconds lost since a moment of `performance.now()`. */
  since(moment: number): number;
  stop(): void;
}

const TICK_MS = 5;

/** Shorter ones are the timer's own inexactness. */
const NOTABLE_MS = 15;

export function startStallMeter(): StallMeter {
  const stalls: { readonly at: number; readonly ms: number }[] = [];
  let last = performance.now();
  function measure(): void {
    const now = performance.now();
    const lostMs = now - last - TICK_MS;
    if (lostMs > NOTABLE_MS) stalls.push({ at: now, ms: lostMs });
    last = now;
  }
  const timer = setInterval(measure, TICK_MS);

  return {
    since(moment) {
      measure();
      return stalls.filter(({ at }) => at >= moment).reduce((sum, { ms }) => sum + ms, 0);
    },
    stop: () => clearInterval(timer),
  };
}
