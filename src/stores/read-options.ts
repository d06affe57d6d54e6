import type { CallOptions } from "../driver.ts";

export interface ReadOptions extends CallOptions {
  /**
   * With `replicas`: how new the answer must be. Default: this store object's own writes. A token, from `store.token()` of any
   * store object of this name: at least what it stands for, in their place. `null`: whatever a replica has.
   */
  readonly atLeast?: string | null | undefined;
}
