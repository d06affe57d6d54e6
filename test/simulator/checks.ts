import { isDeepStrictEqual } from "node:util";
import { valueText } from "./application-writes.ts";
import type { LastWrite } from "./ledger.ts";
import type { Stage } from "./steps.ts";
import { readStores, type StoredRow, type StoreRows } from "./store-rows.ts";
import { limits, type World } from "./world.ts";
import { setKeys } from "./writes.ts";

/** What is not as it must be, once everything is quiet. */
export async function differences(world: World, { devices, plain }: Stage): Promise<readonly string[]> {
  const { apart, model, server } = world;
  const names = devices.map(({ name }) => name);
  const stores = await readStores(apart, [server, ...names]);
  const atServer = storeAt(stores, server);
  const found: string[] = [];

  for (const name of names) {
    const here = storeAt(stores, name);
    found.push(...unequalRows(here, atServer).map((text) => `${name}: ${text}`));
    if (!isDeepStrictEqual(here.events, atServer.events)) found.push(`${name}: ${unequalEvents(here, atServer)}`);
    for (const { status, kind, key, reason, payload } of here.queue) {
      const isHuge = JSON.stringify(payload).length > limits.maxValueBytes;
      const isDeadLetter =
        status === "failed" && (lostReasons.has(reason ?? "") || (reason === "too-large") === isHuge);
      if (!isDeadLetter) found.push(`${name}: ${kind}:${key} is left in the queue, ${status} ${reason}`);
    }
  }
  found.push(...plain.differences(atServer).map((text) => `plain client: ${text}`));
  if (model !== undefined) found.push(...unlikeModel(atServer.rows, model.rows()));
  for (const [place, { version }] of atServer.rows) {
    const most = world.ledger.mostVersions(place);
    if (version > most) found.push(`server: ${place} is at version ${version}, and was written ${most} times`);
  }
  found.push(...lostWrites(world, stores));
  // A person may decide for what was deleted elsewhere.
  if (world.strategy !== "manual") {
    for (const [place, row] of atServer.rows) {
      if (!row.deleted && world.ledger.isUndone(place, valueText(row)))
        found.push(`server: ${place} was deleted and came back`);
    }
  }
  return found;
}

const lostReasons: ReadonlySet<string> = new Set(["conflict", "gone"]);

/** A value that the server will never take keeps its place on the device. */
function unequalRows(here: StoreRows, there: StoreRows): readonly string[] {
  const kept = new Set(
    here.queue
      .filter(
        ({ kind, key, mutation, localVersion }) =>
          mutation > 0 && here.rows.get(`${kind}:${key}`)?.version === localVersion,
      )
      .map(({ kind, key }) => `${kind}:${key}`),
  );
  return [...new Set([...here.rows.keys(), ...there.rows.keys()])]
    .filter(
      (place) => !kept.has(place) && !isDeepStrictEqual(stateOf(here.rows.get(place)), stateOf(there.rows.get(place))),
    )
    .map(
      (place) =>
        `${place} is ${JSON.stringify(here.rows.get(place))}, at the server ${JSON.stringify(there.rows.get(place))}`,
    );
}

/** What a reader sees. An entry whose life is over is not there. */
function stateOf(row: StoredRow | undefined) {
  if (row === undefined || row.deleted || (row.expiresAtMs !== null && row.expiresAtMs < Date.now())) return undefined;
  const { value, encoding, expiresAtMs } = row;
  return { value, encoding, expiresAtMs };
}

function unequalEvents(here: StoreRows, there: StoreRows): string {
  return `events are\n    ${JSON.stringify(here.events)}\n  at the server\n    ${JSON.stringify(there.events)}`;
}

function unlikeModel(
  rows: ReadonlyMap<string, StoredRow>,
  model: ReturnType<NonNullable<World["model"]>["rows"]>,
): readonly string[] {
  const of = (row: Pick<StoredRow, "version" | "deleted" | "value"> | undefined) =>
    row && [row.version, row.deleted, row.value];
  return [...new Set([...rows.keys(), ...model.keys()])]
    .filter((place) => !isDeepStrictEqual(of(rows.get(place)), of(model.get(place))))
    .map(
      (place) =>
        `server: ${place} is ${JSON.stringify(rows.get(place))}, in the model ${JSON.stringify(model.get(place))}`,
    );
}

function lostWrites({ ledger, server, strategy }: World, stores: ReadonlyMap<string, StoreRows>): readonly string[] {
  const there = storeAt(stores, server);
  const isOverwritten = (place: string, part: string) =>
    ledger.isOverwritten(place, part, there.rows.get(place)?.version ?? 0);
  const isKept = ({ device, place, value }: LastWrite) =>
    isOverwritten(place, value) ||
    // Others have done the same there: it was never sent, and nobody misses it.
    valueText(there.rows.get(place) ?? { deleted: true, value: null }) === value ||
    storeAt(stores, device).queue.some(
      ({ kind, key, payload }) => `${kind}:${key}` === place && textOf(payload) === value,
    );
  const lost = ledger
    .unaccounted(isKept)
    .map(({ device, place, value }) => `${device}: the write of ${place} ${value.slice(0, 80)} is lost`);

  const ids = new Set(there.events.map(({ id }) => id));
  const lostEvents = [...ledger.appended].filter((id) => !ids.has(id)).map((id) => `the event ${id} is lost`);

  if (strategy !== "merge") return [...lost, ...lostEvents];
  const lostMembers = setKeys.flatMap((key) => {
    const value = there.rows.get(`record:${key}`)?.value;
    const members = new Set(Object.keys(typeof value === "object" && value !== null ? value : {}));
    const letters = [...stores.values()].flatMap(({ queue }) => queue.map(({ payload }) => textOf(payload)));
    const isLetter = (tag: string) => letters.some((text) => text.includes(`"${tag}"`));
    return [...ledger.added(key)]
      .filter((tag) => !members.has(tag) && !isOverwritten(`record:${key}`, `"${tag}"`) && !isLetter(tag))
      .map((tag) => `${tag} is missing in ${key}`);
  });
  return [...lost, ...lostEvents, ...lostMembers];
}

function textOf(payload: Readonly<Record<string, unknown>>): string {
  return valueText({ deleted: !("value" in payload), value: payload["value"] });
}

function storeAt(stores: ReadonlyMap<string, StoreRows>, name: string): StoreRows {
  const found = stores.get(name);
  if (found === undefined) throw new Error(`${name} was not read`);
  return found;
}
