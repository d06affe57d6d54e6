import { createRemoteJWKSet, type JSONWebKeySet, type JWK } from "jose";
import type { AuthenticationOptions } from "onetrip/hono";
import type { DriverName } from "./open-driver.ts";

export interface Settings {
  readonly driver: DriverName;
  readonly databaseUrl: string;
  readonly authentication: AuthenticationOptions;
  readonly profileMaxAgeSeconds: number;
  /** Connections at most, where requests share a pool. */
  readonly poolSize: number;
}

/** What the platform hands over: variables and secrets as text, and perhaps a Hyperdrive binding. */
export type Environment = Readonly<Record<string, unknown>>;

/** `fault` says which variable is missing or wrong and what to do, without its value. */
export type SettingsResult = { readonly settings: Settings } | { readonly fault: string };

/**
 * | variable | |
 * |---|---|
 * | `DATABASE_URL` | `postgresql://…`; not needed with a `HYPERDRIVE` binding |
 * | `DATABASE_DRIVER` | Cloudflare: `neon-http` (default), `neon-websocket`, `postgres` (default with `HYPERDRIVE`), `pg`; Vercel: `pg` (default), `neon-http`; Lambda: `postgres` (default), `pg`, `neon-http` |
 * | `DATABASE_POOL_SIZE` | Vercel: connections per instance at most; default 10 |
 * | `PUBLIC_JWK` or `JWKS_URL` | the key, or where the keys are, that tokens are checked with |
 * | `TOKEN_ISSUER`, `TOKEN_AUDIENCE` | what tokens must say in `iss` and `aud` |
 * | `PROFILE_MAX_AGE` | seconds for which a client may use a profile without asking again; default 0 |
 */
export function readSettings(env: Environment, drivers: readonly [DriverName, ...DriverName[]]): SettingsResult {
  const database = readDatabase(env, drivers);
  if ("fault" in database) return database;
  const keys = readKeys(env);
  if ("fault" in keys) return keys;
  const issuer = text(env, "TOKEN_ISSUER");
  if (issuer === undefined) return missing("TOKEN_ISSUER", "the `iss` that tokens carry");
  const audience = text(env, "TOKEN_AUDIENCE");
  if (audience === undefined) return missing("TOKEN_AUDIENCE", "the `aud` that tokens carry");
  const maxAge = text(env, "PROFILE_MAX_AGE") ?? "0";
  if (!/^\d{1,8}$/.test(maxAge)) return { fault: "PROFILE_MAX_AGE must be a whole number of seconds." };
  const poolSize = text(env, "DATABASE_POOL_SIZE") ?? "10";
  if (!/^[1-9]\d{0,2}$/.test(poolSize)) return { fault: "DATABASE_POOL_SIZE must be a whole number from 1 to 999." };

  return {
    settings: {
      ...database,
      authentication: { keys: keys.keys, issuer, audience },
      profileMaxAgeSeconds: Number(maxAge),
      poolSize: Number(poolSize),
    },
  };
}

function readDatabase(
  env: Environment,
  drivers: readonly [DriverName, ...DriverName[]],
): Pick<Settings, "driver" | "databaseUrl"> | { readonly fault: string } {
  const hyperdrive = env["HYPERDRIVE"] as { readonly connectionString?: string } | undefined;
  const databaseUrl = hyperdrive?.connectionString ?? text(env, "DATABASE_URL");
  if (databaseUrl === undefined) {
    return missing("DATABASE_URL", "postgresql://user:password@host/database, as a secret");
  }
  if (!isConnectionUrl(databaseUrl)) {
    return {
      fault: "DATABASE_URL must be postgresql://user:password@host/database; percent-encode @ / # % in the password.",
    };
  }
  const named = text(env, "DATABASE_DRIVER") ?? (hyperdrive ? "postgres" : drivers[0]);
  const driver = drivers.find((name) => name === named);
  if (driver === undefined) return { fault: `DATABASE_DRIVER must be one of ${drivers.join(", ")} here.` };
  if (hyperdrive && driver.startsWith("neon-")) {
    return { fault: "DATABASE_DRIVER must be postgres or pg when there is a HYPERDRIVE binding." };
  }
  return { driver, databaseUrl };
}

function isConnectionUrl(text: string): boolean {
  try {
    decodeURIComponent(text);
  } catch {
    return false;
  }
  return /^postgres(ql)?:/i.test(text) && URL.canParse(text);
}

function readKeys(env: Environment): Pick<AuthenticationOptions, "keys"> | { readonly fault: string } {
  const url = text(env, "JWKS_URL");
  const jwk = text(env, "PUBLIC_JWK");
  if (url === undefined && jwk === undefined) {
    return missing("PUBLIC_JWK", "a public key as JWK, or JWKS_URL, where a set of them is");
  }
  if (url !== undefined) {
    if (URL.canParse(url)) return { keys: createRemoteJWKSet(new URL(url)) };
    return { fault: "JWKS_URL must be a URL." };
  }
  const set = parseKeySet(jwk ?? "");
  if (set === undefined) return { fault: "PUBLIC_JWK must be a JWK, or a JWK set, as JSON." };
  if (set.keys.some((key) => "d" in key || "k" in key)) {
    return { fault: "PUBLIC_JWK holds a private or shared key; give the public one, and consider that key known." };
  }
  return { keys: set };
}

function parseKeySet(json: string): JSONWebKeySet | undefined {
  try {
    const content = JSON.parse(json) as Partial<JSONWebKeySet> & JWK;
    if (Array.isArray(content.keys)) return { keys: content.keys };
    return typeof content.kty === "string" ? { keys: [content] } : undefined;
  } catch {
    return undefined;
  }
}

function text(env: Environment, name: string): string | undefined {
  const value = env[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function missing(name: string, what: string): { readonly fault: string } {
  return { fault: `${name} is not set: ${what}.` };
}
