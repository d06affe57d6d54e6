import { Hono } from "hono";
import { type OnetripEnv, problemResponse } from "onetrip/hono";
import { type AppOptions, createApp } from "./app.ts";
import type { DriverName } from "./open-driver.ts";
import { reportError } from "./report-error.ts";
import { type Environment, readSettings, type Settings } from "./settings.ts";

/** What differs from one platform to another. */
export interface Platform extends Pick<AppOptions, "pokeWaitMs" | "pokeStreamMs"> {
  /** The drivers that work there; the first one is used when `DATABASE_DRIVER` is not set. */
  readonly drivers: readonly [DriverName, ...DriverName[]];
  /** Called once per app: what it keeps lives as long as the instance does. */
  readonly opener: (settings: Settings) => AppOptions["open"];
}

/** The app as the variables want it, or one that answers every request with what is wrong with them. */
export function configuredApp(env: Environment, platform: Platform): Hono<OnetripEnv> {
  const { drivers, opener, ...pokes } = platform;
  const result = readSettings(env, drivers);
  if ("fault" in result) return unconfiguredApp(result.fault);
  return createApp(result.settings, { open: opener(result.settings), report: reportError, ...pokes });
}

function unconfiguredApp(detail: string): Hono<OnetripEnv> {
  return new Hono<OnetripEnv>().notFound(() => problemResponse({ status: 500, code: "not-configured", detail }));
}
