/** Whether a `fetch` failed before a byte was sent. Node's tells it apart; elsewhere (workerd) nothing does, and the answer is no. */
export function neverConnected(error: unknown): boolean {
  const code = networkCode(error) ?? "";
  return codes.has(code) || (unreachable.has(code) && wasConnecting(error));
}

/** A connection that is kept alive learns while it is read that there is no way any more. */
function wasConnecting(error: unknown): boolean {
  const { cause = error } = (error ?? {}) as { readonly cause?: unknown };
  const { errors = [cause] } = (cause ?? {}) as { readonly errors?: readonly unknown[] };
  return errors.every((one) => (one as { readonly syscall?: unknown } | null)?.syscall === "connect");
}

/** The code of what went wrong below `fetch`: `ECONNRESET`. */
export function networkCode(error: unknown): string | undefined {
  const { code, cause } = (error ?? {}) as { readonly code?: unknown; readonly cause?: { readonly code?: unknown } };
  return [cause?.code, code].find((found) => typeof found === "string");
}

const codes: ReadonlySet<string> = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"]);

const unreachable: ReadonlySet<string> = new Set(["EHOSTUNREACH", "ENETUNREACH"]);
