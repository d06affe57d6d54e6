import { pg } from "../../src/driver/pg.ts";
import { createStore } from "../../src/index.ts";
import { createDatabase } from "../../test/servers/provided.ts";
import { numberOf, type Proof, ProofFailure } from "./proof.ts";

/** Many processes at once meet a database without a schema: the first write of each must succeed. */
export const coldStartProof: Proof = {
  about: "concurrent first writes to empty databases all succeed",
  options: { starts: 32, rounds: 20 },
  async run(database, values) {
    const starts = numberOf(values, "starts");
    const rounds = numberOf(values, "rounds");
    let failed = 0;
    for (let round = 1; round <= rounds; round += 1) {
      const errors = await coldStarts(database, starts);
      failed += errors.length;
      console.log(`round ${round} of ${rounds}: ${starts - errors.length} of ${starts} first writes succeeded`);
      for (const error of errors) console.error(error);
    }
    if (failed > 0) throw new ProofFailure(`${failed} of ${starts * rounds} first writes failed`);
  },
};

/** The errors of `count` stores, each over a connection of its own, that write to one empty database at the same moment. */
async function coldStarts(serverUrl: string, count: number): Promise<unknown[]> {
  const empty = await createDatabase(serverUrl);
  const stores = await Promise.all(
    Array.from({ length: count }, () => createStore("cold", { driver: pg(empty.url, { poolSize: 1 }) })),
  );
  const results = await Promise.allSettled(stores.map((store, i) => store.records.put(`key-${i}`, i)));
  await Promise.all(stores.map((store) => store.close()));
  await empty.drop();
  return results.filter((result) => result.status === "rejected").map(({ reason }) => reason);
}
