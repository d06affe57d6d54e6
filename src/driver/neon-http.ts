import { neon, neonConfig } from "@neondatabase/serverless";
import type { BatchOptions, CallOptions, Driver, Row, Statement } from "../driver.ts";
import { isolationOf } from "./begin.ts";
import { bounded, DEFAULT_TIMEOUT_MS } from "./call.ts";
import { closed } from "./connection.ts";
import { isLocalHost, parseUrl } from "./connection-parameters.ts";
import { watchAnswer } from "./neon-http-answer.ts";
import { neonHttpError } from "./neon-http-error.ts";
import { toText } from "./params.ts";
import { checkStatement } from "./refused-statement.ts";
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

  /** One request under one deadline. `start` begins it at once: a query object begins with its `then`. */
  function send<T>(
    phase: RequestKind,
    given: CallOptions | undefined,
    start: (options: RequestInit) => Promise<unknown>,
  ) {
    return bounded(`neon-http ${phase}`, given, timeoutMs, async (call) => {
      call.wasSent = () => true;
      let retryAfter: string | null = null;
      try {
        return (await watchAnswer(
          () => start(fetchOptionsOf(call.signal)),
          ({ headers }) => {
            retryAfter = headers.get("retry-after");
          },
        )) as T;
      } catch (error) {
        throw neonHttpError(error, phase, retryAfter);
      }
    });
  }

  return {
    name: "neon-http",
    timeoutMs,
    async query(statement, callOptions) {
      if (isClosed) throw closed("neon-http query");
      checkStatement(statement, "neon-http query");
      return send<Row[]>("query", callOptions, (options) => prepare(statement, options).then((rows) => rows));
    },
    async batch(statements, callOptions) {
      if (isClosed) throw closed("neon-http batch");
      for (const statement of statements) checkStatement(statement, "neon-http batch");
      if (statements.length === 0) return [];
      return send<Row[][]>("batch", callOptions, (fetchOptions) =>
        sql.transaction(
          statements.map((statement) => prepare(statement)),
          { ...transactionOf(callOptions), fetchOptions },
        ),
      );
    },
    async close() {
      isClosed = true;
    },
  };
}

type RequestKind = "query" | "batch";

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
