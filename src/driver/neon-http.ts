import { neon, neonConfig } from "@neondatabase/serverless";
import type { BatchOptions, Driver, Row, Statement } from "../driver.ts";
import { isolationOf } from "./begin.ts";
import { bounded, DEFAULT_TIMEOUT_MS } from "./call.ts";
import { closed } from "./connection.ts";
import { isLocalHost, parseUrl } from "./connection-parameters.ts";
import { neonHttpError } from "./neon-http-error.ts";
import { toText } from "./params.ts";
import { parserOf } from "./row-types.ts";

export interface NeonHttpOptions {
  /** Deadline of a call that names none, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Neon over HTTP: no connection, nothing to close, one request per query and per batch. The default for Neon hosts.
 *
 * A URL with a local host goes to the local Neon endpoint (`onetrip/local`) at `http://host:port/sql`.
 *
 * @example
 * ```ts
 * const driver = neonHttp(env.DATABASE_URL);
 * await driver.batch([
 *   { text: "insert into t (id) values ($1)", params: [1] },
 *   { text: "insert into t (id) values ($1)", params: [2] },
 * ]);
 * ```
 */
export function neonHttp(connectionString: string, options: NeonHttpOptions = {}): Driver {
  if (isLocalHost(parseUrl(connectionString).hostname)) neonConfig.fetchEndpoint = endpointOf;
  const sql = neon(connectionString, { disableWarningInBrowsers: true });
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  let isClosed = false;

  // A query object of this package runs once for every time it is awaited: it is made and consumed in one place.
  function prepare({ text, params }: Statement, fetchOptions?: RequestInit) {
    return sql.query(text, toText(params), { types, ...(fetchOptions && { fetchOptions }) });
  }

  return {
    name: "neon-http",
    query(statement, callOptions) {
      if (isClosed) return Promise.reject(closed("neon-http query"));
      return bounded("neon-http query", callOptions, timeoutMs, async (call) => {
        call.wasSent = () => true;
        try {
          return (await prepare(statement, fetchOptionsOf(call.signal))) as Row[];
        } catch (error) {
          throw neonHttpError(error, "query");
        }
      });
    },
    async batch(statements, callOptions) {
      if (isClosed) throw closed("neon-http batch");
      if (statements.length === 0) return [];
      return bounded("neon-http batch", callOptions, timeoutMs, async (call) => {
        call.wasSent = () => true;
        try {
          return (await sql.transaction(
            statements.map((statement) => prepare(statement)),
            { ...transactionOf(callOptions), fetchOptions: fetchOptionsOf(call.signal) },
          )) as Row[][];
        } catch (error) {
          throw neonHttpError(error, "batch");
        }
      });
    },
    async close() {
      isClosed = true;
    },
  };
}

const types = { getTypeParser: parserOf };

const isolationLevels = {
  "read committed": "ReadCommitted",
  "repeatable read": "RepeatableRead",
  serializable: "Serializable",
} as const;

function transactionOf(options: BatchOptions | undefined) {
  return { isolationLevel: isolationLevels[isolationOf(options)], readOnly: options?.readOnly ?? false };
}

/** Next.js would cache an answer unless told not to; Workers do not cache a POST and older ones refuse the option. */
function fetchOptionsOf(signal: AbortSignal): RequestInit {
  const onWorkers = globalThis.navigator?.userAgent === "Cloudflare-Workers";
  return onWorkers ? { signal } : { signal, cache: "no-store" };
}

/** The package keeps this setting globally. The rule knows both kinds of host, so that other clients are not disturbed. */
function endpointOf(host: string, port: number | string, options?: { jwtAuth?: boolean }): string {
  if (isLocalHost(host)) return `http://${host}:${port}/sql`;
  return `https://${host.replace(/^[^.]+/, options?.jwtAuth ? "apiauth" : "api")}/sql`;
}
