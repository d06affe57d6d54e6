import { DatabaseError, type PoolClient, type QueryArrayConfig } from "pg";
import { requestCancel } from "./cancel-request.ts";
import type { DatabasePools } from "./database-pools.ts";
import { connectionClosed, SqlRefusal } from "./sql-refusal.ts";
import { resultBody, type StatementResult } from "./sql-reply.ts";
import type { SqlRequest, SqlStatement } from "./sql-request.ts";

export interface RunOptions {
  /** Aborted when the client goes away: cancels what runs, rolls back a batch. */
  readonly signal: AbortSignal;
  readonly maxResponseBytes: number;
}

/**
 * Runs a request on a connection of its own and gives the body of the answer. An answer that is too large is a refusal
 * with 507: a lone statement has been applied then, a batch is rolled back.
 */
export async function runSql(pools: DatabasePools, request: SqlRequest, options: RunOptions): Promise<string> {
  const client = await pools.pool(request.database).connect().catch(refuseUnreachable);
  const cancel = () => requestCancel(client, pools.serverUrl);
  options.signal.addEventListener("abort", cancel, { once: true });
  try {
    options.signal.throwIfAborted();
    return request.kind === "batch"
      ? await runBatch(client, request, options)
      : await runSingle(client, request, options);
  } finally {
    options.signal.removeEventListener("abort", cancel);
    // A cancel request that is still on its way must not hit the next user of this connection.
    client.release(options.signal.aborted || client.getTransactionStatus() !== "I");
  }
}

function refuseUnreachable(cause: unknown): never {
  throw cause instanceof DatabaseError ? cause : new SqlRefusal(500, "Couldn't connect to compute node", "", { cause });
}

function refuseLost(cause: unknown): never {
  throw cause instanceof DatabaseError ? cause : connectionClosed(cause);
}

async function runSingle(client: PoolClient, request: SqlRequest, options: RunOptions): Promise<string> {
  const bodies = await runStatements(client, request, options);
  return bodies.join();
}

async function runBatch(client: PoolClient, request: SqlRequest, options: RunOptions): Promise<string> {
  await client.query(request.begin).catch(refuseLost);
  try {
    const bodies = await runStatements(client, request, options);
    options.signal.throwIfAborted();
    await client.query("commit").catch(refuseLost);
    return `{"results":[${bodies.join()}]}`;
  } catch (error) {
    // The error to report is the first one; a connection that cannot roll back is thrown away.
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
}

async function runStatements(client: PoolClient, request: SqlRequest, options: RunOptions): Promise<string[]> {
  const bodies: string[] = [];
  let bytes = 0;
  for (const statement of request.statements) {
    options.signal.throwIfAborted();
    const body = resultBody(statement, await runStatement(client, statement));
    bytes += Buffer.byteLength(body);
    if (bytes > options.maxResponseBytes) {
      throw new SqlRefusal(507, `response is too large (max is ${options.maxResponseBytes} bytes)`);
    }
    bodies.push(body);
  }
  return bodies;
}

async function runStatement(client: PoolClient, { text, params }: SqlStatement): Promise<StatementResult> {
  const query: QueryArrayConfig & { readonly queryMode: "extended" } = {
    text,
    values: [...params],
    rowMode: "array",
    types: { getTypeParser: () => (value: string) => value },
    // Without it, a text without parameters could hold several statements.
    queryMode: "extended",
  };
  return await client.query<(string | null)[]>(query).catch(refuseLost);
}
