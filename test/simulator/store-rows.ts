import type { Driver, Row } from "../../src/driver.ts";
import type { ModelRow } from "./server-judgement.ts";

/** A record or entry of a device or of the server. */
export interface StoredRow extends ModelRow {
  /** `record` or `kv`. */
  readonly kind: string;
  readonly key: string;
}

export interface StoredEvent {
  readonly id: string;
  readonly stream: string;
  readonly version: number;
  readonly payload: unknown;
}

/** A mutation that a device could not get rid of. */
export interface DeadLetterRow {
  readonly kind: string;
  readonly key: string;
  /** 0 for an edit that lost against the remote. */
  readonly mutation: number;
  readonly localVersion: number;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly status: string;
  readonly reason: string | null;
}

/** All that one store holds. */
export interface StoreRows {
  /** By `kind:key`. */
  readonly rows: ReadonlyMap<string, StoredRow>;
  /** By stream and version. */
  readonly events: readonly StoredEvent[];
  readonly queue: readonly DeadLetterRow[];
}

/** What the stores of these names hold, in one statement. */
export async function readStores(driver: Driver, stores: readonly string[]): Promise<ReadonlyMap<string, StoreRows>> {
  const found = await driver.query({ text: selectStores, params: [JSON.stringify(stores)] });
  return new Map(
    found.map((row) => [
      String(row["store"]),
      {
        rows: new Map(listOf(row["rows"]).map((item) => [`${item["kind"]}:${item["key"]}`, toStoredRow(item)])),
        events: listOf(row["events"]) as unknown as StoredEvent[],
        queue: listOf(row["queue"]) as unknown as DeadLetterRow[],
      },
    ]),
  );
}

/** The server's version of each key as devices know it, by `device kind:key`. */
export async function readBases(driver: Driver, devices: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const text = `select b.store || ' ' || b.kind || ':' || b.key as place, b.version::float8 as version
from persist.persist_sync_bases b
where b.store = any(array(select jsonb_array_elements_text($1::text::jsonb)))`;
  const rows = await driver.query({ text, params: [JSON.stringify(devices)] });
  return new Map(rows.map(({ place, version }) => [String(place), Number(version)]));
}

/** The clocks of the stores as one text: it stays the same as long as nobody writes. */
export async function readClocks(driver: Driver, stores: readonly string[]): Promise<string> {
  const text = `select coalesce(string_agg(c.store || ' ' || c.lane || ':' || c.seq, ', ' order by c.store, c.lane), '') as clocks
from persist.persist_sync_clock c
where c.store = any(array(select jsonb_array_elements_text($1::text::jsonb)))`;
  const [row] = await driver.query({ text, params: [JSON.stringify(stores)] });
  return String(row?.["clocks"]);
}

const selectStores = `select n.store,
  (select coalesce(jsonb_agg(x), '[]') from (
     select 'record' as kind, r.key, r.version, r.deleted, r.value, null as encoding, null::float8 as expires,
            case when r.hlc_version = r.version then r.hlc end as stamp,
            floor(extract(epoch from r.updated_at) * 1000)::float8 as written
     from persist.persist_records r where r.store = n.store
     union all
     select 'kv', e.key, e.version, e.deleted, e.value, e.encoding, extract(epoch from e.expires_at)::float8 * 1000,
            case when e.hlc_version = e.version then e.hlc end, floor(extract(epoch from e.updated_at) * 1000)::float8
     from persist.persist_kv e where e.store = n.store) x) as rows,
  (select coalesce(jsonb_agg(jsonb_build_object('id', v.id, 'stream', v.stream, 'version', v.version, 'payload', v.payload)
            order by v.stream collate "C", v.version), '[]')
   from persist.persist_events v where v.store = n.store) as events,
  (select coalesce(jsonb_agg(jsonb_build_object('kind', q.kind, 'key', q.key, 'mutation', q.mutation,
            'localVersion', q.local_version, 'payload', q.payload, 'status', q.status, 'reason', q.reason)), '[]')
   from persist.persist_sync_queue q where q.store = n.store) as queue
from jsonb_array_elements_text($1::text::jsonb) n(store)`;

function toStoredRow(item: Row): StoredRow {
  const written = Number(item["written"]);
  return {
    kind: String(item["kind"]),
    key: String(item["key"]),
    version: Number(item["version"]),
    deleted: item["deleted"] === true,
    value: item["value"],
    encoding: item["encoding"] as string | null,
    expiresAtMs: item["expires"] === null ? null : Number(item["expires"]),
    stamp: item["stamp"] as string | null,
    writtenMs: [written, written],
  };
}

function listOf(value: unknown): readonly Row[] {
  return value as readonly Row[];
}
