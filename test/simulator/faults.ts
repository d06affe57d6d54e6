/** What goes wrong in a run. Each is counted when it has really happened. */
export type Fault = keyof typeof faults;

/**
 * Where a fault can happen: `any` transport, only against a `server` with connections of its own, or only in the run that has a
 * `pooler` to itself.
 */
export type Reach = "any" | "server" | "pooler";

export const faults = {
  "request dropped": "any",
  "reply dropped after commit": "any",
  duplicate: "any",
  "duplicate at the same time": "any",
  reordered: "any",
  "delayed past the timeout": "any",
  "truncated page": "any",
  "corrupt cursor": "any",
  "old cursor": "any",
  "foreign cursor": "any",
  "client crash before a statement": "any",
  "client crash between apply and acknowledge": "any",
  "worker crash before the statement": "any",
  "worker crash after the statement": "any",
  "serialization failure 40001": "any",
  "deadlock 40P01": "any",
  "lock timeout 55P03": "any",
  "statement timeout 57014": "any",
  "connections exhausted": "any",
  "stale replica": "any",
  "restore to an earlier point, new epoch": "any",
  "restore to an earlier point, same epoch": "any",
  "epoch change": "any",
  "collection during paging": "any",
  "two copies of one client": "any",
  "clock an hour ahead": "any",
  "clock an hour behind": "any",
  "clock runs backwards": "any",
  "huge value": "any",
  "same key twice in a batch": "any",
  "backend terminated": "server",
  "statement cancelled by the server, 57014": "server",
  "lock timeout of the server, 55P03": "server",
  "long transaction on the lane": "server",
  "long transaction in another database": "server",
  "connections of the server exhausted": "server",
  "pooler killed and restarted": "pooler",
} as const satisfies Readonly<Record<string, Reach>>;

/** How often each fault has happened. */
export interface FaultTally {
  count(fault: Fault): void;
  counts(): Readonly<Record<Fault, number>>;
}

export function faultTally(): FaultTally {
  const counted = Object.fromEntries(Object.keys(faults).map((fault) => [fault, 0])) as Record<Fault, number>;
  return {
    count(fault) {
      counted[fault] += 1;
    },
    counts: () => ({ ...counted }),
  };
}

/** The faults that could have happened there and never did. */
export function missingFaults(tally: FaultTally, reached: readonly Reach[]): readonly Fault[] {
  const counts = tally.counts();
  return (Object.keys(faults) as Fault[]).filter((fault) => reached.includes(faults[fault]) && counts[fault] === 0);
}
