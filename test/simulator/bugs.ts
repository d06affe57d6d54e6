import type { Driver } from "../../src/driver.ts";
import type { Ground } from "./ground.ts";

/** A mistake of the kind that sync is prone to. Each is switched on in a database, and the simulator has to find it. */
export interface Bug {
  readonly name: string;
  /** Where it shows: a sequence is right as long as there is one connection. */
  readonly ground: "pglite" | "pgbouncer";
  /** Where a test begins to look. Default 1. */
  readonly seed?: number;
  /** @throws Error when a function no longer reads as the mistake expects */
  readonly spoil?: (database: Driver) => Promise<void>;
  /** Between a device and its database. */
  readonly spoilDevice?: (driver: Driver) => Driver;
}

export const bugs: readonly Bug[] = [
  {
    name: "cursor-from-sequence",
    ground: "pgbouncer",
    // Numbers are given out at once and without a lock, so rows are numbered in another order than they commit in.
    async spoil(database) {
      const given = "(select s.last_value from persist.bare s)";
      for (const text of [
        "create sequence persist.bare increment by 1000",
        "grant usage, select on sequence persist.bare to public",
        `create or replace function persist.take_lane(p_store text, p_count bigint, out taken_lane smallint, out last_seq bigint)
         language plpgsql as $$
         begin
           taken_lane := 0;
           last_seq := nextval('persist.bare');
           insert into persist.persist_sync_clock (store, lane, seq, epoch) values (p_store, 0, 0, gen_random_uuid())
           on conflict (store, lane) do nothing;
         end $$`,
      ]) {
        await database.query({ text, params: [] });
      }
      await rewrite(database, "sync_pull_v2", [
        [/c\.lane, c\.seq, c\.floor/, `c.lane, ${given} as seq, c.floor`],
        [/\bc\.seq\b/g, given],
      ]);
      for (const name of ["sync_refusal", "sync_head", "sync_take"])
        await rewrite(database, name, [[/\bc\.seq\b/g, given]]);
    },
  },
  {
    name: "push-without-deduplication",
    ground: "pglite",
    spoil: (database) =>
      rewrite(database, "sync_push_v2", [
        [/if v_item\.id <= v_previous then/, "if false then"],
        [/and \(m\.item->>'id'\)::bigint > v_previous/, ""],
        [/take_lane\(p_store, v_last - v_previous\)/, "take_lane(p_store, v_last)"],
      ]),
  },
  {
    name: "tombstones-not-sent",
    ground: "pglite",
    spoil: (database) =>
      rewrite(database, "sync_pull_v2", [
        [/and starts_with\(r\.key, p_scope\)/, "and starts_with(r.key, p_scope) and not r.deleted"],
      ]),
  },
  {
    name: "page-saved-after-cursor",
    ground: "pglite",
    seed: 160,
    spoilDevice: (driver) => ({
      ...driver,
      async query(statement, options) {
        if (!statement.text.includes("sync_apply(")) return driver.query(statement, options);
        const [store = "", remote = "", , to = "", position = "", ...page] = statement.params;
        const text = `update persist.persist_sync_remotes set cursor = $3, position = $4::text::jsonb where store = $1 and remote = $2`;
        await driver.query({ text, params: [store, remote, to, position] }, options);
        return driver.query({ ...statement, params: [store, remote, to, to, position, ...page] }, options);
      },
    }),
  },
  {
    name: "no-op-merge-writes",
    ground: "pglite",
    async spoil(database) {
      await rewrite(database, "sync_push_v2", [[/when v_is_same then 'same'/, "when false then 'same'"]]);
      await rewrite(database, "sync_apply_states", [
        [/j\.word in \('write', 'slow'\)/, "j.word in ('write', 'slow', 'same')"],
        [/where w\.item->>2 = 'write'/g, "where w.item->>2 in ('write', 'same')"],
        [
          /else \(j\.item->>1\)::bigint\s+end as local_version/,
          "when 'same' then -1 else (j.item->>1)::bigint end as local_version",
        ],
      ]);
    },
  },
];

/** The ground with the bug in it. */
export async function spoiled(ground: Ground, { spoil, spoilDevice }: Bug): Promise<Ground> {
  await spoil?.(ground.apart);
  return spoilDevice === undefined ? ground : { ...ground, spoilDevice };
}

type Change = readonly [what: RegExp, by: string];

/** Replaces parts of the body of a function of the schema. */
async function rewrite(database: Driver, name: string, changes: readonly Change[]): Promise<void> {
  const [row] = await database.query({
    text: `select pg_get_functiondef(p.oid) as definition from pg_catalog.pg_proc p
where p.pronamespace = 'persist'::regnamespace and p.proname = $1`,
    params: [name],
  });
  let definition = String(row?.["definition"]);
  for (const [what, by] of changes) {
    if (definition.search(what) < 0) throw new Error(`${name} has no ${what}: teach the bug its new words`);
    definition = definition.replace(what, () => by);
  }
  await database.query({ text: definition, params: [] });
}
