import type { Finding } from "./finding.ts";
import type { Subject } from "./subject.ts";

/** How long does one statement take? Every operation of onetrip takes about so long. */
export async function roundTrip({ driver, call }: Subject): Promise<Finding> {
  const times: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const startedAt = performance.now();
    await driver.query({ text: "select 1 as one", params: [] }, call);
    times.push(performance.now() - startedAt);
  }
  const medianMs = Math.round((times.sort((a, b) => a - b)[TURNS >> 1] ?? 0) * 10) / 10;
  const found = `${medianMs} ms, median of ${TURNS}`;
  const data = { medianMs };
  if (medianMs < NEAR_MS) return { id: "round-trip", level: "ok", found, data };
  return {
    id: "round-trip",
    level: medianMs < FAR_MS ? "advice" : "warning",
    found: `${found}: as much for each operation`,
    change: "run the function in the region of the database (what counts is the way from there, not from this machine)",
    data,
  };
}

const TURNS = 5;
const NEAR_MS = 30;
const FAR_MS = 150;
