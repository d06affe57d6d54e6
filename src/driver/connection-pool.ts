import { ConnectionError } from "../errors.ts";
import { type Call, MAX_TIMER_MS } from "./call.ts";
import type { Connection, Lender } from "./connection.ts";

export interface ConnectionPoolOptions {
  /** At most so many connections at once. One makes the pool a lock, which is what a pooler wants of its client. */
  readonly size: number;
  /** A connection that was idle for longer is not used again, in milliseconds. */
  readonly idleTimeoutMs: number;
}

interface Idle {
  readonly connection: Connection;
  readonly since: number;
}

/**
 * Opens connections as they are needed and lends each to one call at a time, first come first served.
 *
 * Idle time is judged by the wall clock when a connection is taken, since timers stand still while a function's process is
 * frozen; a timer only tidies up in between.
 */
export function connectionPool(open: (call: Call) => Promise<Connection>, options: ConnectionPoolOptions): Lender {
  const idle: Idle[] = [];
  const waiting: (() => void)[] = [];
  let lent = 0;
  let sweep: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;

  async function lend(call: Call): Promise<Connection> {
    if (lent < options.size) lent += 1;
    else await turn(call);
    try {
      return takeIdle() ?? (await openFor(call));
    } catch (error) {
      freeSlot();
      throw error;
    }
  }

  async function openFor(call: Call): Promise<Connection> {
    const connection = await open(call);
    if (!call.signal.aborted && !isClosed) return connection;
    connection.destroy();
    throw new ConnectionError("connect: given up while the connection was being opened", { outcome: "not-sent" });
  }

  function takeIdle(): Connection | undefined {
    for (let last = idle.pop(); last; last = idle.pop()) {
      if (last.connection.isUsable() && Date.now() - last.since < options.idleTimeoutMs) return last.connection;
      last.connection.destroy();
    }
    return undefined;
  }

  function giveBack(connection: Connection) {
    if (isClosed || !connection.isUsable()) connection.destroy();
    else idle.push({ connection, since: Date.now() });
    freeSlot();
    sweep ??= later(closeIdle, options.idleTimeoutMs);
  }

  /** Hands the slot to the first in line rather than freeing it, so that nobody who comes later can slip in. */
  function freeSlot() {
    const next = waiting.shift();
    if (next) next();
    else lent -= 1;
  }

  /** Resolves with a slot. One that gives up leaves the line, so that no turn is lost on it. */
  function turn(call: Call): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        waiting.splice(waiting.indexOf(go), 1);
        reject(new ConnectionError("connect: given up while waiting for a connection", { outcome: "not-sent" }));
      };
      function go() {
        call.signal.removeEventListener("abort", onAbort);
        resolve();
      }
      call.signal.addEventListener("abort", onAbort, { once: true });
      waiting.push(go);
    });
  }

  function closeIdle() {
    sweep = undefined;
    const limit = Date.now() - options.idleTimeoutMs;
    while (idle[0] && idle[0].since <= limit) void idle.shift()?.connection.end();
    if (idle[0]) sweep = later(closeIdle, idle[0].since - limit);
  }

  async function close() {
    isClosed = true;
    clearTimeout(sweep);
    await Promise.all(idle.splice(0).map(({ connection }) => connection.end()));
  }

  return { lend, giveBack, close };
}

/** A timer that does not keep a process alive, where the runtime can say so. */
function later(work: () => void, ms: number): ReturnType<typeof setTimeout> {
  const timer = setTimeout(work, Math.min(ms, MAX_TIMER_MS));
  (timer as { unref?: () => void }).unref?.();
  return timer;
}
