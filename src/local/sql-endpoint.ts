import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Credentials } from "./credentials.ts";
import type { DatabasePools } from "./database-pools.ts";
import { faultReply, isApplied } from "./fault-replies.ts";
import type { Fault, FaultSource } from "./faults.ts";
import { latency } from "./latency.ts";
import { readBody } from "./read-body.ts";
import { errorReply, jsonReply, type SqlReply } from "./sql-reply.ts";
import { parseSqlRequest, type SqlRequest } from "./sql-request.ts";
import { runSql } from "./sql-run.ts";

export interface SqlEndpointOptions {
  readonly pools: DatabasePools;
  readonly credentials: Credentials;
  readonly faults: FaultSource;
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  /** Asked at each answer. */
  readonly latencyMs: () => number;
}

/** Answers POST `/sql` as Neon's proxy does, with the faults that are armed. Never rejects. */
export function sqlEndpoint(options: SqlEndpointOptions) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const gone = new AbortController();
    response.on("close", () => {
      if (!response.writableFinished) {
        gone.abort();
      }
    });
    try {
      const body = await readBody(request, options.maxRequestBytes);
      const sql = parseSqlRequest(request.headers, body, options.credentials);
      await answer(sql, response, gone.signal);
    } catch (error) {
      await send(response, errorReply(error));
    }
  };

  async function answer(sql: SqlRequest, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const fault = options.faults.take("http", sql.statements.map(({ text }) => text).join("\n"));
    const skipped = fault !== undefined && !isApplied(fault);
    const reply = skipped ? jsonReply(200, {}) : await run(sql, signal);
    if (fault === undefined) {
      await send(response, reply);
    } else {
      await goWrong(fault, reply, response);
    }
  }

  async function goWrong(fault: Fault, reply: SqlReply, response: ServerResponse): Promise<void> {
    switch (fault.kind) {
      case "drop-request":
      case "drop-reply":
        response.destroy();
        return;
      case "hang":
        return;
      case "slow":
        await delay(fault.delayMs);
        await send(response, reply);
        return;
      case "truncated-body":
        await sendHalf(response, reply);
        return;
      default:
        await send(response, faultReply(fault));
    }
  }

  async function run(sql: SqlRequest, signal: AbortSignal): Promise<SqlReply> {
    try {
      return jsonReply(
        200,
        await runSql(options.pools, sql, { ...options, signal }),
        sql.kind === "batch" ? sql.echo : {},
      );
    } catch (error) {
      return errorReply(error);
    }
  }

  async function send(response: ServerResponse, { status, headers, body }: SqlReply): Promise<void> {
    await latency(options.latencyMs());
    response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
    response.end(body);
  }

  async function sendHalf(response: ServerResponse, { status, headers, body }: SqlReply): Promise<void> {
    const bytes = Buffer.from(body);
    await latency(options.latencyMs());
    response.writeHead(status, { ...headers, "content-length": bytes.length });
    response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
  }
}
