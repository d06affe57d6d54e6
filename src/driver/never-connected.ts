/** Whether a `fetch` failed before a byte was sent. Node's tells it apart; elsewhere (workerd) nothing does, and the answer is no. */
export function neverConnected(error: unknown): boolean {
  return codes.has(networkCode(error) ?? "");
}

/** The code of what went wrong below `fetch`: `ECONNRESET`. */
export function networkCode(error: unknown): string | undefined {
  const { code, cause } = (error ?? {}) as { readonly code?: unknown; readonly cause?: { readonly code?: unknown } };
  return [cause?.code, code].find((found) => typeof found === "string");
}

const codes: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);
