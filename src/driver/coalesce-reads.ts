import type { Driver, Row, Statement } from "../driver.ts";
import { PersistError } from "../errors.ts";
import { bounded, type Call, MAX_TIMER_MS, timeoutOf } from "./call.ts";

/**
 * Gives a function like `driver.query` for statements that only read. Those that are issued in one tick, before the code that
 * issues them waits for anything, travel as one read-only batch; one alone is a plain query. A batch holds up to 50
 * statements and 8,000 characters; the rest goes in the next.
 *
 * Each call keeps its own signal and deadline. When a batch fails, each of its statements is sent alone with the time that it
 * has left, so that one that fails does not take the others with it.
 */
export function coalesceReads(driver: Driver): Driver["query"] {
  let waiting: Read[] = [];

  function flush() {
    const reads = waiting;
    waiting = [];
    const isGivenUp = ({ options }: Read) => options?.signal?.aborted ?? false;
    for (const read of reads.filter(isGivenUp)) sendAlone(driver, read);
    for (const group of groupsOf(reads.filter((read) => !isGivenUp(read)))) {
      const [first, second] = group;
      if (second !== undefined) sendTogether(driver, group);
      else if (first !== undefined) sendAlone(driver, first);
    }
  }

  return (statement, options) =>
    new Promise<Row[]>((resolve) => {
      if (waiting.length === 0) queueMicrotask(flush);
      waiting.push({ statement, options, resolve });
    });
}

const MAX_STATEMENTS = 50;

/** Beyond this some drivers send a batch statement by statement. */
const MAX_CHARS = 8_000;

interface Read {
  readonly statement: Statement;
  readonly options: Parameters<Driver["query"]>[1];
  readonly resolve: (rows: Promise<Row[]>) => void;
}

/** Reads that name a deadline do not travel with those that leave it to the driver: one batch has one deadline. */
function groupsOf(reads: readonly Read[]): readonly (readonly Read[])[] {
  const groups: Read[][] = [];
  for (const named of [true, false]) {
    let group: Read[] = [];
    let chars = 0;
    for (const read of reads.filter(({ options }) => (options?.timeoutMs !== undefined) === named)) {
      chars += sizeOf(read.statement);
      if (group.length === 0 || group.length === MAX_STATEMENTS || chars > MAX_CHARS) {
        group = [];
        groups.push(group);
        chars = sizeOf(read.statement);
      }
      group.push(read);
    }
  }
  return groups;
}

function sizeOf({ text, params }: Statement): number {
  return params.reduce<number>((size, param) => size + String(param).length, text.length);
}

function sendAlone(driver: Driver, { statement, options, resolve }: Read): void {
  resolve(driver.query(statement, options));
}

function sendTogether(driver: Driver, reads: readonly Read[]): void {
  const startedAt = performance.now();
  const abort = new AbortController();
  let interested = reads.length;
  const batch = driver.batch(
    reads.map(({ statement }) => statement),
    { readOnly: true, signal: abort.signal, timeoutMs: longest(reads) },
  );
  // Whoever has given up no longer waits for it.
  batch.catch(() => undefined);

  reads.forEach(({ statement, options, resolve }, index) => {
    async function answer(call: Call): Promise<Row[]> {
      call.wasSent = () => true;
      call.signal.addEventListener("abort", () => {
        interested -= 1;
        if (interested === 0) abort.abort();
      });
      try {
        return (await batch)[index] ?? [];
      } catch (error) {
        if (concernsAll(error)) throw error;
        const timeoutMs = timeoutOf(options ?? {}, driver) - (performance.now() - startedAt);
        return driver.query(statement, { ...options, signal: call.signal, timeoutMs: Math.max(1, timeoutMs) });
      }
    }
    resolve(bounded(`${driver.name} query`, options, MAX_TIMER_MS, answer));
  });
}

function longest(reads: readonly Read[]): number | undefined {
  const named = reads.flatMap(({ options }) => options?.timeoutMs ?? []);
  return named.length === 0 ? undefined : Math.max(...named);
}

/** What would be no better for a statement alone: no connection, no time left, nobody who waits, no schema. */
function concernsAll(error: unknown): boolean {
  if (!(error instanceof PersistError)) return true;
  return error.outcome === "not-sent" || ["timeout", "aborted", "closed", "migration"].includes(error.code);
}
