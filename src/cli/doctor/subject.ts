import type { ResolvedParameters } from "../../driver/connection-parameters.ts";
import type { CallOptions, Driver } from "../../driver.ts";
import type { Transport } from "../open-driver.ts";
import type { PoolMode } from "./pooling.ts";
import type { OpenSession } from "./session.ts";

/** What is examined: the same way in that a handler would take. */
export interface Subject {
  /** Holds the password: for nobody's eyes. */
  readonly url: string;
  readonly transport: Transport;
  readonly driver: Driver;
  readonly schema: string;
  readonly call: Required<Pick<CallOptions, "timeoutMs">> & CallOptions;
  /** Where there are sessions to ask about: over TCP. */
  readonly wire?: Wire | undefined;
}

export interface Wire {
  readonly parameters: ResolvedParameters;
  readonly open: OpenSession;
  readonly mode: PoolMode;
}
