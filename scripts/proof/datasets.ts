import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { startLocalNeon } from "../../src/local/index.ts";
import { startPgBouncer } from "../../test/servers/pgbouncer.ts";
import { createDatabase } from "../../test/servers/provided.ts";
import { audience, developmentToken, issuer } from "../start/development-token.ts";
import { startDevelopmentWorker } from "../start/development-worker.ts";
import { type Proof, ProofFailure } from "./proof.ts";

/** Whole data sets go in through the running worker, in workerd, and must come out as they were. */
export const datasetsProof: Proof = {
  about: "earthquakes pushed as records and profiles saved through the worker are read back equal",
  options: { earthquakes: "test/fixtures/earthquakes.ts", profiles: "test/fixtures/profiles.ndjson" },
  async run(serverUrl, { earthquakes = "", profiles = "" }) {
    const features = await readFeatures(earthquakes);
    const documents = readDocuments(profiles);

    const embedded = await startLocalNeon({ database: "pglite:" });
    await roundTrip("neon-http, embedded PGlite", "neon-http", embedded.url, features, documents);
    await embedded.close();

    const database = await createDatabase(serverUrl);
    const pgbouncer = await startPgBouncer({ upstream: { url: database.url } });
    await roundTrip("postgres.js, PgBouncer", "postgres", pgbouncer.url, features, documents);
    await pgbouncer.stop();
    await database.drop();
  },
};

interface Feature {
  readonly id: string;
}

interface Profile {
  readonly profile_id: string;
  readonly metadata: { readonly revision: number };
}

async function readFeatures(file: string): Promise<readonly Feature[]> {
  if (file.endsWith(".ts")) return (await import(join(process.cwd(), file))).earthquakes;
  return JSON.parse(readFileSync(file, "utf8")).features;
}

function readDocuments(file: string): readonly Profile[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

async function roundTrip(
  route: string,
  driver: string,
  url: string,
  features: readonly Feature[],
  documents: readonly Profile[],
) {
  const folder = mkdtempSync(join(tmpdir(), "onetrip-proof-"));
  const token = await developmentToken(folder, new Date());
  const worker = await startDevelopmentWorker({
    root: process.cwd(),
    port: 0,
    logFolder: folder,
    variables: {
      DATABASE_URL: url,
      DATABASE_DRIVER: driver,
      PUBLIC_JWK: token.publicJwk,
      TOKEN_ISSUER: issuer,
      TOKEN_AUDIENCE: audience,
    },
  });

  async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(new URL(path, worker.url), {
      method,
      headers: { authorization: `Bearer ${token.bearer}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new ProofFailure(`${route}: ${method} ${path} answered ${response.status}`);
    return (await response.json()) as T;
  }

  try {
    const records = await recordsRoundTrip(request, features);
    const profiles = await profilesRoundTrip(request, documents);
    console.log(
      `${route}: ${records} of ${features.length} records equal, ${profiles} profiles equal after ${documents.length} saves`,
    );
    if (records !== features.length) throw new ProofFailure(`${route}: records differ`);
    if (profiles !== new Set(documents.map((document) => document.profile_id)).size) {
      throw new ProofFailure(`${route}: profiles differ`);
    }
  } finally {
    await worker.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Request = <T>(method: string, path: string, body?: unknown) => Promise<T>;

/** How many of the features come back equal. */
async function recordsRoundTrip(request: Request, features: readonly Feature[]): Promise<number> {
  const mutations = features.map((value, i) => ({ id: i + 1, op: "put", key: value.id, value, base: 0 }));
  for (let at = 0; at < mutations.length; at += 400) {
    const body = { client: "proof", mutations: mutations.slice(at, at + 400) };
    const { results } = await request<{ results: { status: string }[] }>("POST", "/sync/v1/quakes/push", body);
    if (!results.every(({ status }) => status === "applied")) throw new ProofFailure("a push was not applied");
  }
  const pulled = new Map<string, unknown>();
  for (let cursor = "", more = true; more; ) {
    const query = `limit=500${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    const page = await request<{ changes: { key: string; value: unknown }[]; cursor: string; more: boolean }>(
      "GET",
      `/sync/v1/quakes/pull?${query}`,
    );
    for (const { key, value } of page.changes) pulled.set(key, value);
    ({ cursor, more } = page);
  }
  return features.filter((feature) => isDeepStrictEqual(pulled.get(feature.id), feature)).length;
}

/** How many of the profiles are, after all saves, what the last document of each says, its revision included. */
async function profilesRoundTrip(request: Request, documents: readonly Profile[]): Promise<number> {
  const last = new Map<string, Profile>();
  for (const document of documents) {
    const path = `/profiles/v1/${encodeURIComponent(document.profile_id)}`;
    const saved = await request<{ revision: number }>("PUT", path, document);
    if (saved.revision !== document.metadata.revision) throw new ProofFailure("a revision is not that of the file");
    last.set(document.profile_id, document);
  }
  let equal = 0;
  for (const [id, document] of last) {
    const loaded = await request<Profile>("GET", `/profiles/v1/${encodeURIComponent(id)}`);
    if (isDeepStrictEqual(loaded, document)) equal += 1;
  }
  return equal;
}
