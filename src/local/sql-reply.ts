import { DatabaseError, type FieldDef } from "pg";
import { toJsonValue } from "./json-value.ts";
import { SqlRefusal } from "./sql-refusal.ts";
import type { SqlStatement } from "./sql-request.ts";

/** An HTTP answer before it is sent. */
export interface SqlReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What PostgreSQL gave for one statement, values as text. */
export interface StatementResult {
  readonly fields: readonly FieldDef[];
  readonly command: string | null;
  readonly rowCount: number | null;
  readonly rows: readonly (readonly (string | null)[])[];
}

/** The result of one statement, as the proxy writes it. */
export function resultBody({ arrayMode, rawText }: SqlStatement, result: StatementResult): string {
  const { fields, command, rowCount } = result;
  const rows = result.rows.map((row) => {
    const values = row.map((text, index) =>
      text === null || rawText ? text : toJsonValue(text, fields[index]?.dataTypeID ?? 0),
    );
    return arrayMode ? values : Object.fromEntries(values.map((value, index) => [fields[index]?.name ?? "", value]));
  });
  return JSON.stringify({
    rowAsArray: arrayMode,
    fields: fields.map(fieldBody),
    rows,
    command: command ?? "",
    rowCount,
  });
}

/** An error of PostgreSQL, or of this endpoint; anything else is a defect here and says no more. */
export function errorReply(error: unknown): SqlReply {
  if (error instanceof DatabaseError) {
    return jsonReply(400, errorBody({ ...error, message: error.message, where: error.where }));
  }
  if (error instanceof SqlRefusal) {
    return jsonReply(error.status, errorBody({ message: error.message, code: error.code }));
  }
  return jsonReply(500, errorBody({ message: "internal error of the local endpoint" }));
}

export function jsonReply(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): SqlReply {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { status, headers: { "content-type": "application/json", ...headers }, body: text };
}

/** All fields of the proxy's error object; those that are not given are null, the code is empty. */
export function errorBody(fields: ErrorFields & { readonly message: string }): Record<string, string | null> {
  const body: Record<string, string | null> = { message: fields.message };
  for (const name of errorFields) {
    body[name] = fields[name] ?? (name === "code" || name === "severity" ? "" : null);
  }
  return body;
}

const errorFields = [
  "code",
  "detail",
  "hint",
  "position",
  "internalPosition",
  "internalQuery",
  "severity",
  "where",
  "table",
  "column",
  "schema",
  "dataType",
  "constraint",
  "file",
  "line",
  "routine",
] as const;

type ErrorFields = { readonly [Name in (typeof errorFields)[number]]?: string | undefined };

function fieldBody({ name, dataTypeID, tableID, columnID, dataTypeSize, dataTypeModifier }: FieldDef) {
  return { name, dataTypeID, tableID, columnID, dataTypeSize, dataTypeModifier, format: "text" };
}
