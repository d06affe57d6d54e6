import type { Report } from "onetrip/hono";

/**
 * One line of JSON for each answer of class 5xx. Of errors of this package the message is safe to keep: it holds no
 * parameter, URL or password. Of any other, only where it was thrown.
 */
export const reportError: Report = (error, c) => {
  const { name, message, stack = "" } = error instanceof Error ? error : new Error("not an Error");
  const { code, outcome, sqlstate } = error as { code?: unknown; outcome?: unknown; sqlstate?: unknown };
  const known = typeof outcome === "string";
  console.error(
    JSON.stringify({
      level: "error",
      method: c.req.method,
      name,
      ...(known ? { code, outcome, sqlstate, message } : { at: stack.split("\n").filter(isFrame).slice(0, 5) }),
    }),
  );
};

function isFrame(line: string): boolean {
  return /^\s+at /.test(line);
}
