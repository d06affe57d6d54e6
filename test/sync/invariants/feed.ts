import fc from "fast-check";
import type { Store } from "../../../src/create-store.ts";
import type { Seq } from "../../../src/sync/index.ts";
import type { StoreReplica } from "../../../src/sync/store-replica.ts";
import type { Replicas } from "../replicas.ts";
import type { Place } from "./places.ts";

/** A write of one of a few keys, numbered by that lane. */
export interface Step {
  readonly what: "put" | "delete" | "set" | "unset" | "append";
  readonly key: string;
  readonly lane: number;
}

/** What was committed, in this order. */
export interface Written {
  readonly place: Place;
  readonly seq: Seq;
  readonly version: number;
}

/** A store that is written to while others read its changes. */
export interface Feed {
  readonly store: Store;
  readonly replica: StoreReplica;
  /** By number, from 0. */
  readonly written: readonly Written[];
  write(step: Step): Promise<void>;
}

/** Of these keys and these kinds, each as often as it is named. */
export function anyStepOf(keys: readonly string[], whats: readonly Step["what"][]): fc.Arbitrary<Step> {
  return fc.record({
    what: fc.constantFrom(...whats),
    key: fc.constantFrom(...keys),
    lane: fc.constantFrom(0, 0, 0, 1, 2),
  });
}

const anyStep = anyStepOf(["a", "b", "c", "d"], ["put", "put", "delete", "set", "unset", "append"]);

/** A few writes, or a page of at most so many changes. */
export const anyTurns = fc.array(
  fc.oneof(fc.array(anyStep, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 5 })),
  { minLength: 1, maxLength: 7, size: "max" },
);

export async function newFeed({ both, ask }: Replicas): Promise<Feed> {
  const { store, replica } = await both();
  const written: Written[] = [];
  await store.migrate();

  /** Where the row is that was just written. As a writer puts it who found the lanes before this one held. */
  async function rowAfter(seq: Seq, { table, id, lane }: { table: string; id: string; lane: number }) {
    const isIt = `t.store = $1 and t.${table === "events" ? "id" : "key"} = $2 and t.lane || ':' || t.seq <> $3`;
    const [row] =
      lane === 0
        ? await ask(
            `select t.lane || ':' || t.seq as seq, t.version::text from persist.persist_${table} t where ${isIt}`,
            store.name,
            id,
            seq,
          )
        : await ask(
            `with moved as (
  insert into persist.persist_sync_clock as c (store, lane, seq, epoch)
  select $1, $4, 1, c.epoch from persist.persist_sync_clock c
  where c.store = $1 and c.lane = 0 and exists (select from persist.persist_${table} t where ${isIt})
  on conflict (store, lane) do update set seq = c.seq + 1
  returning seq
)
update persist.persist_${table} t set lane = $4, seq = m.seq from moved m
where ${isIt}
returning t.lane || ':' || t.seq as seq, t.version::text`,
            store.name,
            id,
            seq,
            lane,
          );
    return row && { seq: String(row["seq"]), version: Number(row["version"]) };
  }

  return {
    store,
    replica,
    written,
    async write({ what, key, lane }) {
      const number = written.length;
      const id = what === "append" ? crypto.randomUUID() : key;
      if (what === "put") await store.records.put(key, { number });
      if (what === "delete") await store.records.delete(key);
      if (what === "set") await store.kv.set(key, { number });
      if (what === "unset") await store.kv.delete(key);
      if (what === "append") await store.events.append(key, { number }, { id });

      const [kind, table] = tables[what];
      const place = `${kind}/${id}`;
      const before = written.findLast((write) => write.place === place);
      const row = await rowAfter(before?.seq ?? "", { table, id, lane });
      // To delete what is not there is no write.
      if (row !== undefined) written.push({ place, ...row });
    },
  };
}

const tables = {
  put: ["record", "records"],
  delete: ["record", "records"],
  set: ["kv", "kv"],
  unset: ["kv", "kv"],
  append: ["event", "events"],
} as const;
