import { earthquakes } from "../../test/fixtures/earthquakes.ts";
import { startPostgres } from "../../test/servers/postgres.ts";
import { findPostgres } from "../../test/servers/postgres-binaries.ts";
import { type Bench, clearProgress, medianOf, showProgress } from "./bench.ts";
import {
  onetripAloneContender,
  onetripContender,
  pouchContenders,
  type SyncContender,
  type SyncDocument,
  type SyncTimes,
} from "./sync-contenders.ts";
import { startSyncServer } from "./sync-server.ts";

/** How fast an empty server and an empty device fill. */
export const syncBench: Bench = {
  about: "documents per second from a device to the worker and back to another device, beside PouchDB",
  options: { documents: 10_000, rounds: 3 },
  async run({ documents: count = 0, rounds = 0 }) {
    const documents = Array.from({ length: count }, (_, index) => documentAt(index));
    const postgres = await startPostgres((await findPostgres()).main);
    const server = await startSyncServer(postgres.url);
    const contenders = [onetripContender(server), onetripAloneContender(), ...pouchContenders([100, 1000])];
    const bytes = Math.round(JSON.stringify(documents).length / count);
    console.log(`${count} documents of ${bytes} bytes, median of ${rounds} rounds, no delay on any line\n`);
    try {
      const measured: Measured[] = [];
      for (const contender of contenders) {
        measured.push({ name: contender.name, times: await measure(contender, documents, rounds) });
      }
      clearProgress();
      print(measured, count);
    } finally {
      await server.stop();
      await postgres.stop();
    }
  },
};

interface Measured {
  readonly name: string;
  readonly times: readonly SyncTimes[];
}

/** A real one, under an id of its own. */
function documentAt(index: number): SyncDocument {
  const earthquake = earthquakes[index % earthquakes.length];
  return { ...earthquake, id: `${earthquake?.id}-${String(index).padStart(6, "0")}` };
}

async function measure(
  contender: SyncContender,
  documents: readonly SyncDocument[],
  rounds: number,
): Promise<readonly SyncTimes[]> {
  const times: SyncTimes[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const where = `${contender.name}, round ${round} of ${rounds}`;
    showProgress(where);
    times.push(
      await contender.measure(documents, (what, done) => showProgress(`${where}: ${what} ${done}/${documents.length}`)),
    );
  }
  return times;
}

/** Documents per second, and how many times the slowest way that is. */
function print(measured: readonly Measured[], count: number): void {
  const rates = measured.map(({ name, times }) => ({
    name,
    upload: count / (medianOf(times.map(({ uploadMs }) => uploadMs)) / 1000),
    download: count / (medianOf(times.map(({ downloadMs }) => downloadMs)) / 1000),
  }));
  const ours = rates[0] ?? { upload: 1, download: 1 };
  console.log("| what | up, documents/s | ours is | down, documents/s | ours is |\n|---|---|---|---|---|");
  for (const { name, upload, download } of rates) {
    const ratio = (own: number, other: number) => `${(own / other).toFixed(2)}×`;
    const cells = [upload.toFixed(0), ratio(ours.upload, upload), download.toFixed(0), ratio(ours.download, download)];
    console.log(`| ${name} | ${cells.join(" | ")} |`);
  }
}
