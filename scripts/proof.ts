import { parseArgs } from "node:util";
import { startPostgres } from "../test/servers/postgres.ts";
import { findPostgres } from "../test/servers/postgres-binaries.ts";
import { ambiguousProof } from "./proof/ambiguous.ts";
import { coldStartProof } from "./proof/cold-start.ts";
import { datasetsProof } from "./proof/datasets.ts";
import { feedProof } from "./proof/feed.ts";
import { modelProof } from "./proof/model.ts";
import { type Proof, ProofFailure } from "./proof/proof.ts";
import { syncProof } from "./proof/sync.ts";

/**
 * `npm run proof -- <name> [--option value …]`: runs one proof against a real PostgreSQL, or the server that `--database` names,
 * and exits with 1 when it does not hold.
 */
const proofs: Readonly<Record<string, Proof>> = {
  feed: feedProof,
  ambiguous: ambiguousProof,
  "cold-start": coldStartProof,
  datasets: datasetsProof,
  model: modelProof,
  sync: syncProof,
};

const [name, ...args] = process.argv.slice(2);
const proof = name === undefined ? undefined : proofs[name];
if (proof === undefined) {
  console.error("usage: npm run proof -- <name> [--database postgresql://…] [options]\n");
  for (const [key, { about, options }] of Object.entries(proofs)) {
    const flags = Object.entries(options).map(([flag, value]) => `--${flag} ${value}`);
    console.error(`  ${key.padEnd(12)} ${about}\n${" ".repeat(15)}${flags.join(" ")}`);
  }
  process.exit(2);
}

const { values } = parseArgs({
  args,
  options: {
    database: { type: "string" },
    ...Object.fromEntries(
      Object.entries(proof.options).map(([flag, value]) => [flag, { type: "string", default: String(value) } as const]),
    ),
  },
});

const server = values["database"] === undefined ? await startPostgres((await findPostgres()).main) : undefined;
try {
  const { database, ...given } = values as Record<string, string>;
  await proof.run(database ?? String(server?.url), given);
  console.log(`✓ ${name} holds`);
} catch (error) {
  if (!(error instanceof ProofFailure)) throw error;
  console.error(`✗ ${error.message}`);
  process.exitCode = 1;
} finally {
  await server?.stop();
}
