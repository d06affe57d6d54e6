import { type Context, Hono } from "hono";
import {
  authentication,
  type DatabaseOptions,
  database,
  healthRoutes,
  type OnetripEnv,
  principalOf,
  problemHandler,
  problemResponse,
  profileRoutes,
  type Report,
  syncRoutes,
} from "onetrip/hono";
import { createPostgresProfileStoreRepository } from "onetrip/profiles";
import { storeReplica } from "onetrip/sync";
import type { Settings } from "./settings.ts";

/** What depends on where the app runs. */
export interface AppOptions {
  /** Gives a request its driver, which is closed when the request is done. */
  readonly open: DatabaseOptions["open"];
  readonly report: Report;
  /** How long a poke may wait at most, in milliseconds. Default 25 s. */
  readonly pokeWaitMs?: ((c: Context) => number) | undefined;
  /** After how long a stream of pokes ends, in milliseconds. Default 5 minutes. */
  readonly pokeStreamMs?: number | undefined;
}

/**
 * The worker, the same on every platform: health, profiles and sync over the driver of each request. Holds the public keys that
 * tokens are checked with and nothing else between requests, so make it once.
 */
export function createApp(
  settings: Settings,
  { open, report, pokeWaitMs, pokeStreamMs }: AppOptions,
): Hono<OnetripEnv> {
  const app = new Hono<OnetripEnv>();
  const withDatabase = database({ open });

  app.use("/healthz", withDatabase);
  for (const path of ["/profiles/*", "/sync/*"]) app.use(path, authentication(settings.authentication), withDatabase);

  app.route("/", healthRoutes({ report }));
  app.route(
    "/",
    profileRoutes({
      repository: (c) => createPostgresProfileStoreRepository({ driver: c.get("driver") }),
      maxAgeSeconds: settings.profileMaxAgeSeconds,
      report,
    }),
  );
  app.route(
    "/",
    syncRoutes({
      replica: (c, store) => storeReplica({ driver: c.get("driver"), store, principal: principalOf(c).subject }),
      pokeWaitMs,
      pokeStreamMs,
      report,
    }),
  );

  app.notFound(() =>
    problemResponse({
      status: 404,
      code: "not-found",
      detail:
        "There is /healthz, /profiles/v1, /profiles/v1/:id, /profiles/v1/:id/audit, /sync/v1/:store and, below it, /pull, /push and /poke.",
    }),
  );
  app.onError(problemHandler(report));
  return app;
}
