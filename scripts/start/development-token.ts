import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from "jose";

export const issuer = "onetrip-development";
export const audience = "onetrip";

export interface DevelopmentToken {
  /** The token itself. */
  readonly bearer: string;
  /** For the worker, as JSON. */
  readonly publicJwk: string;
  /** Holds the `Authorization` header, for `curl -H @file`. */
  readonly headersFile: string;
  readonly expiresAt: Date;
}

/**
 * A token for the developer: all scopes, all stores, 30 days from now. Its key pair is made once and kept in the folder,
 * so that a token of an earlier start goes on working; every file here is for the owner's eyes alone.
 */
export async function developmentToken(folder: string, now: Date): Promise<DevelopmentToken> {
  const key = await keyPair(join(folder, "private-key.json"));
  const expiresAt = new Date(now.getTime() + 30 * 24 * 60 * 60 * 1000);
  const bearer = await new SignJWT({
    scope: "profiles:read profiles:write sync:read sync:write",
    stores: ["*"],
  })
    .setProtectedHeader({ alg: "ES256" })
    .setSubject("developer")
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(now)
    .setExpirationTime(expiresAt)
    .sign(await importJWK(key, "ES256"));

  const headersFile = join(folder, "headers");
  writePrivate(join(folder, "token"), `${bearer}\n`);
  writePrivate(headersFile, `Authorization: Bearer ${bearer}\nContent-Type: application/json\n`);
  const { kty, crv, x, y } = key;
  return { bearer, publicJwk: JSON.stringify({ kty, crv, x, y, alg: "ES256" }), headersFile, expiresAt };
}

async function keyPair(file: string): Promise<JWK> {
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as JWK;
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const key = await exportJWK(privateKey);
  writePrivate(file, `${JSON.stringify(key)}\n`);
  return key;
}

function writePrivate(file: string, text: string): void {
  writeFileSync(file, text, { mode: 0o600 });
}
