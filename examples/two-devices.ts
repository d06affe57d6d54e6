/**
 * Two devices, each with a database of its own, and the worker between them.
 *
 *     npm start                                  in one terminal
 *     npx node examples/two-devices.ts           in another, from the same folder
 *
 * `npm start` prints where it listens; give that as an argument when it is not port 8787.
 */
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { createStore, type Store } from "onetrip";
import { enableSync, httpReplica, type Strategy } from "onetrip/sync";

interface Note {
  readonly text: string;
}

const server = process.argv[2] ?? "http://127.0.0.1:8787";
const authToken = process.env["ONETRIP_TOKEN"] ?? readFileSync(".onetrip/token", "utf8").trim();
// A store of its own for each run.
const remote = `${server}/sync/v1/notes-${Date.now()}`;

const laptop = await createStore("notes", { connectionString: "pglite:" });
const phone = await createStore("notes", { connectionString: "pglite:" });
try {
  await lastWriteWins();
  await byHand();
} finally {
  await laptop.close();
  await phone.close();
}

async function lastWriteWins(): Promise<void> {
  console.log('1. strategy: "last-write-wins"\n');
  const [laptopSync, phoneSync] = [sync(laptop, "last-write-wins"), sync(phone, "last-write-wins")];

  await laptop.records.put("shopping", { text: "bread" });
  await laptop.records.put("call", { text: "the dentist" });
  await laptopSync.now();
  await phoneSync.now();
  await show("The laptop has written two notes, and the phone has them:");

  laptopSync.pause();
  phoneSync.pause();
  await laptop.records.put("shopping", { text: "bread, milk" });
  await laptop.records.delete("call");
  // The clock that tells which edit is the last one counts milliseconds.
  await setTimeout(10);
  await phone.records.put("shopping", { text: "bread, cheese" });
  await phone.records.put("idea", { text: "a bird house" });
  const { pending } = await phoneSync.status();
  await show(`Both are offline, and both go on. ${pending} edits wait on the phone:`);

  laptopSync.resume();
  phoneSync.resume();
  await laptopSync.now();
  await phoneSync.now();
  await laptopSync.now();
  await show("Both are online again. The phone wrote the shopping list last:");
  await mustBeEqual();
  await Promise.all([laptopSync.stop(), phoneSync.stop()]);
}

async function byHand(): Promise<void> {
  console.log('2. strategy: "manual"\n');
  const [laptopSync, phoneSync] = [sync(laptop, "manual"), sync(phone, "manual")];
  await Promise.all([laptopSync.now(), phoneSync.now()]);
  laptopSync.pause();
  phoneSync.pause();
  await laptop.records.put("shopping", { text: "bread, butter" });
  await phone.records.put("shopping", { text: "bread, jam" });
  laptopSync.resume();
  await laptopSync.now();
  phoneSync.resume();
  await phoneSync.now();
  await show("Both have edited the shopping list offline, and the laptop was online first:");

  for (const { key, local, theirs } of await phone.records.conflicts<Note>()) {
    console.log(`   conflict on the phone: ${key}`);
    console.log(`     here   ${JSON.stringify(local.value)}`);
    console.log(`     there  ${JSON.stringify(theirs.value)}\n`);
    const items = [local, theirs].flatMap(({ value }) => value?.text.split(", ") ?? []);
    await phone.records.resolve(key, { value: { text: [...new Set(items)].join(", ") } });
  }
  await phoneSync.now();
  await laptopSync.now();
  await show("Decided on the phone, and sent to everybody:");
  await mustBeEqual();
  await Promise.all([laptopSync.stop(), phoneSync.stop()]);
}

function sync(store: Store, strategy: Strategy) {
  return enableSync(store, { remote, authToken, strategy });
}

async function show(title: string): Promise<void> {
  console.log(`   ${title}`);
  for (const [name, notes] of Object.entries(await everywhere())) {
    console.log(`     ${name.padEnd(7)} ${JSON.stringify(notes)}`);
  }
  console.log();
}

async function mustBeEqual(): Promise<void> {
  const { laptop, phone, server } = await everywhere();
  if (!isDeepStrictEqual(laptop, server) || !isDeepStrictEqual(phone, server)) throw new Error("They differ.");
  console.log("   All three are equal.\n");
}

/** The notes of each place, by key. */
async function everywhere() {
  return { laptop: await notesOf(laptop), phone: await notesOf(phone), server: await notesOfServer() };
}

async function notesOf(store: Store): Promise<Record<string, string>> {
  const records = await store.records.list<Note>();
  return Object.fromEntries(records.map(({ key, value }) => [key, value.text]));
}

async function notesOfServer(): Promise<Record<string, string>> {
  const page = await httpReplica(remote, { authToken }).pull(null, 100);
  if ("resync" in page) throw new Error("The server cannot tell its notes.");
  const records = page.changes.filter((change) => change.kind === "record" && !change.deleted);
  const notes = records.map((change) => (change.kind === "record" ? [change.key, (change.value as Note).text] : []));
  return Object.fromEntries(notes.sort());
}
