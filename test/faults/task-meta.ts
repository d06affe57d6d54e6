import type { Seen } from "./cell.ts";

declare module "vitest" {
  interface TaskMeta {
    /** A test of the fault matrix: what was seen in its cell. */
    fault?: Seen;
  }
}
