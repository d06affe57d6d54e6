import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { audience, developmentToken, issuer } from "../../scripts/start/development-token.ts";

export interface TestToken {
  /** Of all scopes and stores. */
  readonly bearer: string;
  /** What makes a worker accept the token. */
  readonly variables: Readonly<Record<string, string>>;
  /** A temporary one. */
  readonly folder: string;
}

/** To be called where hooks are registered; what it returns, from hooks and tests. */
export function withToken(): () => TestToken {
  let token: TestToken | undefined;
  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), "onetrip-worker-"));
    const { bearer, publicJwk } = await developmentToken(folder, new Date());
    const variables = { PUBLIC_JWK: publicJwk, TOKEN_ISSUER: issuer, TOKEN_AUDIENCE: audience };
    token = { bearer, variables, folder };
  });
  afterAll(() => token && rmSync(token.folder, { recursive: true, force: true }));
  return () => {
    if (token === undefined) throw new Error("the token was not made");
    return token;
  };
}
