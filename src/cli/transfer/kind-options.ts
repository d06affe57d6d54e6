import type { Command } from "commander";
import { UsageError } from "../command-errors.ts";
import type { Kind } from "./import-kinds.ts";

export interface KindOptions {
  readonly events?: boolean;
  readonly kv?: boolean;
}

export function withKindOptions(command: Command): Command {
  return command.option("--events", "events instead of records").option("--kv", "key-value entries instead of records");
}

/** @throws UsageError when both are asked for */
export function kindOf({ events, kv }: KindOptions): Kind {
  if (events && kv) throw new UsageError("--events and --kv: one of them");
  if (events) return "events";
  return kv ? "kv" : "records";
}
