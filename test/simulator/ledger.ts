import type { ObservedStatement } from "./observed-driver.ts";

/** The last write that the application made of one key on one device. */
export interface LastWrite {
  readonly device: string;
  /** `kind:key`. */
  readonly place: string;
  /** Of the device's row. */
  readonly version: number;
  /** As JSON; `deleted` for a deletion. */
  readonly value: string;
}

/** What was written on devices and what became of it, as the statements tell. */
export interface Ledger {
  wrote(write: LastWrite): void;
  /** Something came after it that nobody asks for any more. */
  unwrote(device: string, place: string): void;
  /** A device begins as a copy of another. */
  copied(from: string, to: string): void;
  /** A cursor that goes back is no mistake this time. */
  mayRewind(device: string): void;
  /** A cursor that the device had before. */
  olderCursor(device: string): CursorPlace | undefined;
  /** The application has written on the server itself, once more. */
  wroteAtServer(place: string): void;
  /** The server has taken a mutation; again and again the same counts once. */
  took(place: string, value: string, mutation: string): void;
  /** How many versions a record or entry of the server can have at most. */
  mostVersions(place: string): number;
  /** A device shows a value that the server has no more. */
  lostByRestore(lost: LostByRestore): void;
  /** A device knows of the deletion of a record, and the server has forgotten it. What was there before must not come back. */
  deletionLost(place: string): void;
  /** Whether it has come back, by the value that is there now. */
  isUndone(place: string, value: string): boolean;
  /**
   * Whether the value of a place, or a member of it, was lost so and others have written there since: then the server's version is
   * higher again than the device knew it, and what it has counts as the later state.
   */
  isOverwritten(place: string, part: string, serverVersion: number): boolean;
  /** Statements of devices. Throws when a cursor went back. */
  observe(statement: ObservedStatement): void;
  /** Values that the server has taken, as `place value`. */
  readonly applied: Set<string>;
  /** Ids of the events that were appended on devices. */
  readonly appended: Set<string>;
  /** Members that devices have added to the set under a key. */
  added(key: string): ReadonlySet<string>;
  /** Those of which no trace is left: not taken, not overwritten on the device by a decision. */
  unaccounted(isKept: (write: LastWrite) => boolean): readonly LastWrite[];
  lastWrites(): readonly LastWrite[];
}

export interface CursorPlace {
  readonly cursor: string;
  /** JSON text. */
  readonly position: string;
}

export interface LostByRestore {
  readonly device: string;
  readonly place: string;
  readonly value: string;
  /** The server's version as the device knew it. */
  readonly baseVersion: number;
  /** It was the server's own state: what had come after it was lost by somebody's decision, not by the restore. */
  readonly isLatest: boolean;
}

interface DeviceLog {
  readonly writes: Map<string, LastWrite>;
  /** By place: the highest local version that was given up for the remote's. */
  readonly lost: Map<string, number>;
  readonly cursors: CursorPlace[];
  position: ReadonlyMap<number, bigint>;
}

/** @param isOrdered whether statements are observed in the order in which they happened */
export function ledger(isOrdered: boolean): Ledger {
  const devices = new Map<string, DeviceLog>();
  const applied = new Set<string>();
  const added = new Map<string, ReadonlySet<string>>();
  const versions = new Map<string, Set<string>>();
  const lostByRestore: LostByRestore[] = [];
  const deleted = new Set<string>();

  function versionsOf(place: string): Set<string> {
    const found = versions.get(place) ?? new Set();
    versions.set(place, found);
    return found;
  }

  function logOf(device: string): DeviceLog {
    const found = devices.get(device) ?? emptyLog();
    devices.set(device, found);
    return found;
  }

  return {
    applied,
    appended: new Set(),
    added: (key) => added.get(key) ?? new Set(),
    wroteAtServer(place) {
      versionsOf(place).add(`server ${versionsOf(place).size}`);
    },
    took(place, value, mutation) {
      applied.add(`${place} ${value}`);
      versionsOf(place).add(mutation);
    },
    lostByRestore(lost) {
      lostByRestore.push(lost);
      if (lost.isLatest) applied.delete(`${lost.place} ${lost.value}`);
    },
    deletionLost(place) {
      for (const value of applied) if (value.startsWith(`${place} `)) deleted.add(value);
    },
    isUndone: (place, value) => deleted.has(`${place} ${value}`),
    isOverwritten: (place, part, serverVersion) =>
      lostByRestore.some(
        (lost) => lost.place === place && lost.value.includes(part) && lost.baseVersion < serverVersion,
      ),
    mostVersions: (place) => versionsOf(place).size,
    wrote(write) {
      logOf(write.device).writes.set(write.place, write);
      const [, key] = /^record:(set\/.*)/.exec(write.place) ?? [];
      if (key === undefined || write.value === "deleted") return;
      // What is read with it was written before, or by others.
      const own = Object.keys(JSON.parse(write.value)).filter((tag) => tag.startsWith("c"));
      added.set(key, new Set([...(added.get(key) ?? []), ...own]));
    },
    unwrote(device, place) {
      logOf(device).writes.delete(place);
    },
    copied(from, to) {
      const { lost } = logOf(from);
      // What had been written is the original's to keep.
      devices.set(to, { ...emptyLog(), lost: new Map(lost) });
    },
    mayRewind(device) {
      logOf(device).position = new Map();
    },
    olderCursor(device) {
      const { cursors } = logOf(device);
      return cursors.length > 1 ? cursors[Math.floor(cursors.length / 2) - 1] : undefined;
    },
    observe({ name, params, rows: [row] }) {
      const log = logOf(String(params[0]));
      if (name === "sync_restart") {
        log.position = new Map();
        log.cursors.length = 0;
      }
      if (name === "sync_apply" && row?.["status"] === "ok") {
        const place = { cursor: String(params[3]), position: String(params[4]) };
        if (isOrdered) checkForward(log, place.position);
        if (log.cursors.at(-1)?.cursor !== place.cursor) log.cursors.push(place);
      }
      if (name === "sync_resolve") noteDecisions(log, JSON.parse(String(params[2])));
      if (name === "sync_decide" && params[3] !== "local")
        log.lost.set(`record:${params[2]}`, Number.POSITIVE_INFINITY);
    },
    unaccounted(isKept) {
      return this.lastWrites().filter(
        (write) =>
          !applied.has(`${write.place} ${write.value}`) &&
          (logOf(write.device).lost.get(write.place) ?? 0) < write.version &&
          !isKept(write),
      );
    },
    lastWrites: () => [...devices.values()].flatMap(({ writes }) => [...writes.values()]),
  };
}

function emptyLog(): DeviceLog {
  return { writes: new Map(), lost: new Map(), cursors: [], position: new Map() };
}

function checkForward(log: DeviceLog, position: string): void {
  const lanes: readonly (readonly [number, string])[] = JSON.parse(position);
  const next = new Map(lanes.map(([lane, seq]) => [lane, BigInt(seq)]));
  for (const [lane, seq] of log.position) {
    if ((next.get(lane) ?? 0n) < seq)
      throw new Error(`a cursor went back on lane ${lane}: from ${seq} to ${next.get(lane)}`);
  }
  log.position = next;
}

function noteDecisions(
  { lost }: DeviceLog,
  decisions: readonly (readonly [string, string, number, number, string])[],
): void {
  for (const [kind, key, localVersion, , choice] of decisions) {
    const place = `${kind}:${key}`;
    if (choice === "remote" || choice === "value") lost.set(place, Math.max(lost.get(place) ?? 0, localVersion));
  }
}
