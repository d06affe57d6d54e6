import type { Driver } from "../../src/driver.ts";
import { ConnectionError } from "../../src/errors.ts";
import type { Replica } from "../../src/sync/replica.ts";

/** What happens to the next calls, one after the other. */
export type Fault = "none" | "request lost" | "reply lost" | "twice";

/** What a call does while it is on its way. */
export interface Faulty {
  /** Faults of the calls that come; none after the last. */
  plan(...faults: Fault[]): void;
}

/** A replica whose pushes and pulls meet faults. */
export function faultyReplica(replica: Replica): Replica & Faulty {
  const { plan, meet } = faults();
  return {
    plan,
    push: (...call) => meet(() => replica.push(...call)),
    pull: (...call) => meet(() => replica.pull(...call)),
    head: (...call) => replica.head(...call),
  };
}

/** A driver whose statements meet faults. */
export function faultyDriver(driver: Driver): Driver & Faulty {
  const { plan, meet } = faults();
  return {
    name: driver.name,
    plan,
    query: (...call) => meet(() => driver.query(...call)),
    batch: (...call) => driver.batch(...call),
    close: async () => undefined,
  };
}

function faults() {
  let planned: Fault[] = [];

  async function meet<T>(send: () => Promise<T>): Promise<T> {
    const fault = planned.shift() ?? "none";
    if (fault === "request lost") throw lost("request");
    if (fault === "twice") return (await Promise.all([send(), send()]))[1];
    const answer = await send();
    if (fault === "reply lost") throw lost("reply");
    return answer;
  }

  return {
    plan(...next: Fault[]) {
      planned = next;
    },
    meet,
  };
}

/** Who waits for an answer cannot tell which of them it was. */
function lost(what: string): ConnectionError {
  return new ConnectionError(`the ${what} was lost`, { outcome: "unknown" });
}
