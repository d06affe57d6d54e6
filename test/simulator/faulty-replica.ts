import { ConnectionError, TimeoutError } from "../../src/errors.ts";
import type { ChangePage, Cursor, Replica, Resync } from "../../src/sync/replica.ts";
import type { Dice } from "./dice.ts";
import { corrupted, type HeldRequests } from "./network.ts";

export interface FaultyReplicaOptions {
  readonly dice: Dice;
  /** Requests that are still on their way. */
  readonly held: HeldRequests;
  /** A cursor of some other store. */
  foreignCursor(): Promise<Cursor>;
  /** How often the server was put back. A replica that is behind is behind on the history of today. */
  era(): number;
  /** Collects every tombstone of the server, and says how many. */
  collect(): Promise<number>;
}

/** A replica behind a network that loses, repeats, delays and mixes up what goes through it. */
export function faultyReplica(inner: Replica, options: FaultyReplicaOptions): Replica {
  const { dice, held } = options;
  let earlier = new Map<Cursor | null, ChangePage>();
  let era = 0;
  let isPaging = false;

  async function transmit<T>(send: () => Promise<T>): Promise<T> {
    const fault = dice.roll(0.2, transmissions);
    switch (fault) {
      case "request dropped":
        dice.happened(fault);
        throw lost();
      case "reply dropped after commit":
        await send();
        dice.happened(fault);
        throw lost();
      case "duplicate": {
        await send();
        const second = await send();
        dice.happened(fault);
        return second;
      }
      case "duplicate at the same time": {
        const answers = await Promise.all([send(), send()]);
        dice.happened(fault);
        return dice.random.pick(answers);
      }
      case "delayed past the timeout":
        held.hold(async () => {
          dice.happened(fault);
          await send();
        });
        throw new TimeoutError("the answer did not come in time", { outcome: "unknown" });
      case "reordered":
        held.overtake(async () => {
          dice.happened(fault);
          await send();
        });
        throw new TimeoutError("the answer did not come in time", { outcome: "unknown" });
      default: {
        const answer = await send();
        await held.deliverOvertaken();
        return answer;
      }
    }
  }

  /** Now and then another cursor than the one that was given. */
  async function spoilt<C extends Cursor | null | undefined>(cursor: C): Promise<C | Cursor> {
    const fault = typeof cursor === "string" ? dice.roll(0.03, ["corrupt cursor", "foreign cursor"]) : undefined;
    if (fault === undefined || typeof cursor !== "string") return cursor;
    dice.happened(fault);
    return fault === "corrupt cursor" ? corrupted(cursor, dice.random) : options.foreignCursor();
  }

  /** An answer of the same question from before, as a replica gives that is behind. */
  function stale(cursor: Cursor | null, page: ChangePage | Resync): ChangePage | Resync {
    if (era !== options.era()) earlier = new Map();
    era = options.era();
    const before = earlier.get(cursor);
    if ("resync" in page || before === undefined) {
      if (!("resync" in page)) earlier.set(cursor, page);
      return page;
    }
    if (before.head === page.head) return page;
    const fault = dice.roll(0.2, ["stale replica"]);
    if (fault === undefined) return page;
    dice.happened(fault);
    return before;
  }

  return {
    async push(batch, callOptions) {
      const cursor = await spoilt(batch.cursor);
      return transmit(() => inner.push({ ...batch, cursor }, callOptions));
    },
    async pull(given, limit, callOptions) {
      const fault = isPaging ? dice.roll(0.4, ["collection during paging"]) : undefined;
      if (fault !== undefined && (await options.collect()) > 0) dice.happened(fault);
      const cursor = await spoilt(given);
      const page = await transmit(() => inner.pull(cursor, limit, callOptions));
      isPaging = !("resync" in page) && page.more;
      return cursor === given ? stale(cursor, page) : page;
    },
    head: (callOptions) => transmit(() => inner.head(callOptions)),
  };
}

const transmissions = [
  "request dropped",
  "reply dropped after commit",
  "duplicate",
  "duplicate at the same time",
  "reordered",
  "delayed past the timeout",
] as const;

function lost(): ConnectionError {
  return new ConnectionError("the network lost it", { outcome: "unknown" });
}
