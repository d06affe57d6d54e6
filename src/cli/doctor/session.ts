import type { TLSSocket } from "node:tls";
import type { ResolvedParameters } from "../../driver/connection-parameters.ts";

/** A connection as any client opens it, to ask what the drivers of this package never need: what lasts in a session. */
export interface Session {
  /** The process that the server, or the pooler in its place, named when the connection was opened. */
  readonly announcedPid: number;
  readonly tls: SessionTls;
  /** Unnamed; each is a transaction of its own unless one was begun. */
  query(text: string, params?: readonly string[]): Promise<readonly Record<string, unknown>[]>;
  /** Prepared by name the first time, executed by name after that. */
  queryPrepared(name: string, text: string): Promise<readonly Record<string, unknown>[]>;
  /** Never rejects. A pooler gives up its own connection to the server when a client leaves a transaction open, so none is. */
  close(): Promise<void>;
}

export interface SessionTls {
  readonly isOn: boolean;
  /** Whether the certificate was checked, and is trusted. */
  readonly isVerified: boolean;
  /** `TLSv1.3`. */
  readonly protocol: string | null;
}

export type OpenSession = () => Promise<Session>;

/** @param timeoutMs deadline of the connection, and of each statement */
export async function openSession(parameters: ResolvedParameters, timeoutMs: number): Promise<Session> {
  const { applicationName, ...where } = parameters;
  const { default: pgPackage } = await import("pg");
  const client = new pgPackage.Client({
    ...where,
    application_name: applicationName,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  });
  // A connection that is lost while it idles is found out by the next statement.
  client.on("error", () => undefined);
  const { connection } = client as unknown as { readonly connection: { readonly stream: TLSSocket } };
  const destroy = () => connection.stream.destroy();
  try {
    await client.connect();
  } catch (error) {
    destroy();
    throw error;
  }
  return {
    announcedPid: (client as unknown as { readonly processID: number }).processID,
    tls: tlsOf(connection.stream),
    query: async (text, params) => (await client.query(text, params && [...params])).rows,
    queryPrepared: async (name, text) => (await client.query({ name, text })).rows,
    async close() {
      // Outside a transaction it is no more than a notice.
      await client.query("rollback").catch(() => undefined);
      destroy();
    },
  };
}

function tlsOf(stream: TLSSocket): SessionTls {
  if (!stream.encrypted) return { isOn: false, isVerified: false, protocol: null };
  return { isOn: true, isVerified: stream.authorized, protocol: stream.getProtocol() };
}

/** The SQLSTATE of a server's error; undefined for any other. */
export function sqlstateOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
