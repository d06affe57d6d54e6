import { fromBase64, toBase64 } from "./base64.ts";

/** A cursor as it is handed out: base64url of JSON, so that nobody builds on what is in it, and it fits a URL as it is. */
export function encodeOpaque(content: object): string {
  return toBase64(new TextEncoder().encode(JSON.stringify(content)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

/** The members of a cursor that came from outside; none when it is damaged or longer than `maxLength` characters. */
export function decodeOpaque(text: string, maxLength: number): Readonly<Record<string, unknown>> {
  if (typeof text !== "string" || text.length > maxLength || !/^[A-Za-z0-9_-]+$/.test(text)) return {};
  try {
    const bytes = fromBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
    const content: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof content === "object" && content !== null ? { ...content } : {};
  } catch {
    return {};
  }
}
