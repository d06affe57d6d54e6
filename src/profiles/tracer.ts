import { PersistError } from "../errors.ts";

/**
 * As much of OpenTelemetry's Tracer as is used here: `tracer: trace.getTracer("onetrip")` of `@opentelemetry/api` fits, and
 * this package does not import it.
 */
export interface Tracer {
  startSpan(name: string, options?: { kind?: number; attributes?: Record<string, string> }): Span;
}

export interface Span {
  setAttribute(key: string, value: string): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  end(): void;
}

/** What a span says of its statement. Neither parameters nor the statement's text. */
export interface SpanSubject {
  readonly operation: string;
  readonly schema: string;
  readonly table: string;
}

/**
 * Runs `work` inside one client span, named and described by the semantic conventions for database clients (stable since
 * 1.33). It ends in every case.
 */
export async function traced<T>(
  tracer: Tracer | undefined,
  { operation, schema, table }: SpanSubject,
  work: () => Promise<T>,
): Promise<T> {
  if (tracer === undefined) return work();
  const span = tracer.startSpan(`${operation} ${schema}.${table}`, {
    kind: SPAN_KIND_CLIENT,
    attributes: {
      "db.system.name": "postgresql",
      "db.operation.name": operation,
      "db.collection.name": table,
      "db.namespace": schema,
    },
  });
  try {
    return await work();
  } catch (error) {
    const { code, sqlstate } = error instanceof PersistError ? error : { code: "_OTHER" };
    span.setAttribute("error.type", sqlstate ?? code);
    if (sqlstate !== undefined) span.setAttribute("db.response.status_code", sqlstate);
    span.setStatus({ code: STATUS_ERROR });
    throw error;
  } finally {
    span.end();
  }
}

/** Numbers of `SpanKind` and `SpanStatusCode` in `@opentelemetry/api`. */
const SPAN_KIND_CLIENT = 2;
const STATUS_ERROR = 2;
