import { afterAll, beforeAll, vi } from "vitest";

/** What the platform was asked to wait for since the last look. */
export type TakePending = () => Promise<unknown>[];

/**
 * Puts the current request's context where Vercel's runtime has it and `@vercel/functions` looks for it. To be called where hooks
 * are registered.
 */
export function withRequestContext(): TakePending {
  const pending: Promise<unknown>[] = [];
  const context = { waitUntil: (promise: Promise<unknown>) => void pending.push(promise) };
  beforeAll(() => {
    // Without these it takes the run for a build and waits for nothing.
    vi.stubEnv("VERCEL_URL", "onetrip-xmpl.vercel.app");
    vi.stubEnv("VERCEL_REGION", "fra1");
    Reflect.set(globalThis, key, { get: () => context });
  });
  afterAll(() => {
    Reflect.deleteProperty(globalThis, key);
    vi.unstubAllEnvs();
  });
  return () => pending.splice(0);
}

const key = Symbol.for("@vercel/request-context");
