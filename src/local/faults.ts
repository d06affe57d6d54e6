export type Channel = "http" | "websocket";

/**
 * What can go wrong between a client and its database. `applied` says whether the statement ran, and committed, before it
 * went wrong; default false. Without a `channel`, the first matching request of either one is hit.
 *
 * | kind | what the client sees | applied |
 * |---|---|---|
 * | `drop-request` | the connection breaks | never |
 * | `drop-reply` | the connection breaks; over a WebSocket at the end of a transaction | always |
 * | `hang` | nothing, for ever | as given |
 * | `slow` | the answer, `delayMs` later | always |
 * | `truncated-body` | 200 with half of its body, then the connection breaks | always |
 * | `connection-closed` | 400 "connection closed" with an empty code | as given |
 * | `cancelled` | 400 with code 08P01 | as given |
 * | `bad-gateway` | 502 with an HTML page | as given |
 * | `too-many-requests` | 429 with Retry-After | never |
 * | `unavailable` | 503 with Retry-After | never |
 * | `waking-up` | 500 "Control plane request failed" | never |
 * | `response-too-large` | 507 | always |
 */
export type Fault = ConnectionFault | AnswerFault;

export type ConnectionFault =
  | { readonly kind: "drop-request" | "drop-reply"; readonly channel?: Channel | undefined }
  | { readonly kind: "hang"; readonly applied?: boolean | undefined; readonly channel?: Channel | undefined }
  | { readonly kind: "slow"; readonly delayMs: number; readonly channel?: Channel | undefined };

/** These exist over HTTP alone. */
export type AnswerFault =
  | { readonly kind: "truncated-body" }
  | { readonly kind: "waking-up" | "response-too-large" }
  | { readonly kind: "connection-closed" | "cancelled" | "bad-gateway"; readonly applied?: boolean | undefined }
  | { readonly kind: "too-many-requests" | "unavailable"; readonly retryAfterSeconds?: number | undefined };

export type FaultKind = Fault["kind"];

export interface Trigger {
  /** How many requests it hits. Default 1; without an end when a `probability` is given. */
  readonly times?: number | undefined;
  /** From 0 to 1: the share of the matching requests that it hits. */
  readonly probability?: number | undefined;
  /** For the same choices in each run. Default 1. */
  readonly seed?: number | undefined;
  /** Whether it is for a request with this SQL: the statements of a batch or transaction, one a line. */
  readonly when?: ((sql: string) => boolean) | undefined;
}

export interface Faults {
  /** From now on, until it has hit `times` requests. Of several that match a request, the first armed one hits. */
  arm(fault: Fault & Trigger): void;
  /** How many requests a kind of fault has hit since the start. */
  fired(kind: FaultKind): number;
  /** Disarms all. The counts stay. */
  clear(): void;
}

/** The faults, as the endpoint sees them. */
export interface FaultSource extends Faults {
  /** The fault for this request, which counts it as fired. */
  take(channel: Channel, sql: string, among?: (fault: Fault) => boolean): Fault | undefined;
  /** Whether a later request could be hit. */
  armed(channel: Channel, among: (fault: Fault) => boolean): boolean;
  counts(): Readonly<Partial<Record<FaultKind, number>>>;
}

export function createFaults(): FaultSource {
  const counts: Partial<Record<FaultKind, number>> = {};
  let entries: Entry[] = [];

  return {
    arm(fault) {
      const times = fault.times ?? (fault.probability === undefined ? 1 : Number.POSITIVE_INFINITY);
      if (times > 0) {
        entries.push({ fault, left: times, random: seededRandom(fault.seed ?? 1) });
      }
    },
    fired: (kind) => counts[kind] ?? 0,
    clear() {
      entries = [];
    },
    take(channel, sql, among = () => true) {
      const entry = entries.find(({ fault, random }) => {
        const matches = on(fault, channel) && among(fault) && (fault.when?.(sql) ?? true);
        return matches && (fault.probability === undefined || random() < fault.probability);
      });
      if (entry === undefined) {
        return undefined;
      }
      entry.left -= 1;
      entries = entries.filter(({ left }) => left > 0);
      counts[entry.fault.kind] = (counts[entry.fault.kind] ?? 0) + 1;
      return entry.fault;
    },
    armed: (channel, among) => entries.some(({ fault }) => on(fault, channel) && among(fault)),
    counts: () => ({ ...counts }),
  };
}

interface Entry {
  readonly fault: Fault & Trigger;
  readonly random: () => number;
  left: number;
}

const connectionKinds: ReadonlySet<FaultKind> = new Set(["drop-request", "drop-reply", "hang", "slow"]);

function on(fault: Fault, channel: Channel): boolean {
  const only = connectionKinds.has(fault.kind) ? ("channel" in fault ? fault.channel : undefined) : "http";
  return only === undefined || only === channel;
}

/** Mulberry32: small, fast, and the same on every machine. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
