import type { Ground } from "./ground.ts";
import type { Way } from "./ways.ts";

/**
 * Where a call is when the fault comes.
 *
 * | phase | |
 * |---|---|
 * | `connect` | the driver has no connection yet; the call is a lone write |
 * | `cold batch` | the same; the call is a batch |
 * | `idle` | the connection is idle, and the driver has had time to hear of it; then a lone write |
 * | `at once` | the connection is idle; a lone write follows before anybody could have heard of it |
 * | `query` | the server works on a lone write |
 * | `batch` | the server works on the second of three statements |
 * | `commit` | the server works on the COMMIT |
 * | `close` | the connection is idle; `close()` follows |
 */
export type Phase = (typeof phases)[number];

export const phases = ["connect", "cold batch", "idle", "at once", "query", "batch", "commit", "close"] as const;

/** Makes good what a fault has broken. */
export type Lift = () => unknown;

/** A row of the matrix, for every driver and phase. */
export interface Fault {
  readonly name: string;
  /** What is laid out for it alone. */
  readonly setting?: Setting;
  /** It waits for a call: it is inflicted before one that is otherwise in the phases `query` and `batch`. */
  readonly lurks?: boolean;
  /** How long a connection of the driver may idle, in milliseconds. */
  readonly idleTimeoutMs?: number;
  inflict(ground: Ground, phase: Phase): Lift | Promise<Lift>;
  readonly cells: Readonly<Record<Phase, Cell>>;
  /** The most connections that the driver may open before it gives up. */
  readonly maxConnections?: number;
}

export interface Setting {
  /** A PgBouncer that may be hurt, with these settings. */
  readonly pooler?: Readonly<Record<string, string | number>>;
  /** The user is a role that may not connect yet. */
  readonly limitedRole?: boolean;
}

/** What may be seen in a cell (`ok`, `closed`, or an error's `code/outcome`), or why there is none. */
export type Cell = (Expectation | Absence) & { readonly except?: Exceptions };

export interface Expectation {
  readonly results: readonly string[];
}

export interface Absence {
  readonly reason: string;
}

/** By a way's label, a driver, or what it connects to. */
export type Exceptions = Readonly<Record<string, Cell>>;

export function see(results: string | readonly string[], except: Exceptions = {}): Cell {
  return { results: typeof results === "string" ? [results] : results, except };
}

export function none(reason: string, except: Exceptions = {}): Cell {
  return { reason, except };
}

/** Cells in some phases, and one reason why there are none in the others. */
export function only(cells: Partial<Record<Phase, Cell>>, reason: string): Readonly<Record<Phase, Cell>> {
  const entries = phases.map((phase) => [phase, cells[phase] ?? none(reason)] as const);
  return Object.fromEntries(entries) as Record<Phase, Cell>;
}

/** The cell that holds for a way. */
export function cellOf(fault: Fault, phase: Phase, way: Way): Expectation | Absence {
  const cell = fault.cells[phase];
  return cell.except?.[way.label] ?? cell.except?.[way.driver] ?? cell.except?.[way.server] ?? cell;
}
