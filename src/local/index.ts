/**
 * A Neon endpoint, and a PostgreSQL port for PGlite, on this machine. Node only. Needs `pg` and `ws`; `pglite:` needs
 * `@electric-sql/pglite`.
 *
 * @module
 */
export type { AnswerFault, Channel, ConnectionFault, Fault, FaultKind, Faults, Trigger } from "./faults.ts";
export { type LocalNeon, type LocalNeonOptions, startLocalNeon } from "./local-neon.ts";
export { type PgliteServer, type PgliteServerOptions, startPgliteServer } from "./pglite-server.ts";
