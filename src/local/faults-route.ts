import type { Channel, Fault, FaultSource, Trigger } from "./faults.ts";

/**
 * The faults for another process, as JSON: POST arms one, DELETE disarms all, GET tells what is counted. In place of
 * `when`, a posted fault may have `match`, a piece of the SQL.
 *
 * @example
 * ```ts
 * const fault = { kind: "drop-reply", times: 2, match: "record_put" };
 * await fetch(`http://127.0.0.1:${port}/faults`, {
 *   method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(fault),
 * });
 * ```
 */
export function answerFaultsRoute(faults: FaultSource, method: string | undefined, body: unknown): FaultsAnswer {
  switch (method) {
    case "GET":
      break;
    case "DELETE":
      faults.clear();
      break;
    case "POST": {
      const fault = toFault(body);
      if (fault === undefined) {
        return { status: 400, body: { message: "not a fault: see the type Fault of onetrip/local" } };
      }
      faults.arm({ ...fault, ...toTrigger(body) });
      break;
    }
    default:
      return { status: 405, body: { message: "use GET, POST or DELETE" } };
  }
  return { status: 200, body: { fired: faults.counts() } };
}

export interface FaultsAnswer {
  readonly status: number;
  readonly body: unknown;
}

function toFault(json: unknown): Fault | undefined {
  const applied = field(json, "applied", isBoolean);
  const channel = field(json, "channel", isChannel);
  const kind = field(json, "kind", isString);
  switch (kind) {
    case "drop-request":
    case "drop-reply":
      return { kind, channel };
    case "hang":
      return { kind, applied, channel };
    case "slow": {
      const delayMs = field(json, "delayMs", isNumber);
      return delayMs === undefined ? undefined : { kind, delayMs, channel };
    }
    case "truncated-body":
    case "waking-up":
    case "response-too-large":
      return { kind };
    case "connection-closed":
    case "cancelled":
    case "bad-gateway":
      return { kind, applied };
    case "too-many-requests":
    case "unavailable":
      return { kind, retryAfterSeconds: field(json, "retryAfterSeconds", isNumber) };
    default:
      return undefined;
  }
}

function toTrigger(json: unknown): Trigger {
  const match = field(json, "match", isString);
  return {
    times: field(json, "times", isNumber),
    probability: field(json, "probability", isNumber),
    seed: field(json, "seed", isNumber),
    when: match === undefined ? undefined : (sql) => sql.includes(match),
  };
}

function field<T>(json: unknown, name: string, is: (value: unknown) => value is T): T | undefined {
  const value: unknown = json !== null && typeof json === "object" ? Reflect.get(json, name) : undefined;
  return is(value) ? value : undefined;
}

const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
const isNumber = (value: unknown): value is number => typeof value === "number";
const isString = (value: unknown): value is string => typeof value === "string";
const isChannel = (value: unknown): value is Channel => value === "http" || value === "websocket";
