import { join } from "node:path";
import { build } from "esbuild";
import { afterEach, describe, expect, it } from "vitest";
import { withNewDatabase } from "../stores/new-database.ts";
import { client } from "./conversation.ts";
import { type Instance, startInstance } from "./instance.ts";
import { withToken } from "./with-token.ts";

const database = withNewDatabase();
const token = withToken();
let instance: Instance | undefined;
afterEach(() => instance?.stop());

describe("the Lambda function as one file", () => {
  it.each(["postgres", "pg"])("runs without anything beside it: %s", async (driver) => {
    const entry = join(token().folder, "index.js");
    await build({
      entryPoints: [join(import.meta.dirname, "../../worker/lambda.ts")],
      bundle: true,
      platform: "node",
      target: "node22",
      format: "cjs",
      minify: true,
      external: ["pg-native"],
      outfile: entry,
      logLevel: "error",
    });
    const variables = { ...token().variables, DATABASE_URL: database().pgbouncer, DATABASE_DRIVER: driver };
    instance = await startInstance({ platform: "lambda", entry, variables, timeoutMs: 3000 });
    const { get, send } = client(instance.send, token().bearer);
    expect(await get("/healthz")).toMatchObject({ status: 200, body: `{"status":"ok","driver":"${driver}"}\n` });
    const profile = { profile_id: driver, user_id: "u" };
    expect(await send("PUT", `/profiles/v1/${driver}`, profile)).toMatchObject({ status: 201 });
    expect(instance.errors()).toBe("");
  });
});
