import { createHash, timingSafeEqual } from "node:crypto";

/** Who may connect, and to what. Without a password, any is accepted. */
export interface Credentials {
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
}

/** Reads them from a `postgresql://` URL; `undefined` when the text is not one or names no database. */
export function credentialsFrom(text: string): Credentials | undefined {
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) {
    return undefined;
  }
  const { username, password, pathname } = new URL(text);
  try {
    const database = decodeURIComponent(pathname.slice(1));
    const user = decodeURIComponent(username);
    return database === "" ? undefined : { user, password: decodeURIComponent(password) || undefined, database };
  } catch {
    return undefined;
  }
}

/** The URL that lets these credentials in at an address. */
export function connectionUrl({ user, password, database }: Credentials, address: Address): string {
  const secret = password === undefined ? "" : `:${encodeURIComponent(password)}`;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `postgresql://${encodeURIComponent(user)}${secret}@${host}:${address.port}/${encodeURIComponent(database)}`;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What is wrong with the offered user and password; `undefined` when they are right. */
export function refusal(expected: Credentials, offered: Credentials): Refusal | undefined {
  const rightPassword = expected.password === undefined || equal(expected.password, offered.password ?? "");
  if (offered.user !== expected.user || !rightPassword) {
    return { code: "28P01", message: `password authentication failed for user '${offered.user}'` };
  }
  return undefined;
}

export interface Refusal {
  readonly code: string;
  readonly message: string;
}

function equal(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
