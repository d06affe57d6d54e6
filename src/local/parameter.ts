import { toArrayLiteral } from "./array-literal.ts";

/** A parameter as PostgreSQL reads it: text or null. An array becomes an array literal, an object JSON text. */
export function toParameter(json: unknown): string | null {
  if (json === null || json === undefined) {
    return null;
  }
  if (typeof json === "string") {
    return json;
  }
  return Array.isArray(json) ? toArrayLiteral(json) : JSON.stringify(json);
}
