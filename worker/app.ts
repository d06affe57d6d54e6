import { Hono } from "hono";
import {
  authentication,
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
import { openDriver } from "./open-driver.ts";
import type { Settings } from "./settings.ts";

/**
 * The worker, the same on every platform: health, profiles and sync over one driver per request. Holds the public keys that
 * tokens are checked with and nothing else between requests, so make it once.
 */
export function createApp(settings: Settings, report: Report): Hono<OnetripEnv> {
  const app = new Hono<OnetripEnv>();
  const withDatabase = database({ open: () => openDriver(settings) });

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
      report,
    }),
  );

  app.notFound(() =>
    problemResponse({
      status: 404,
      code: "not-found",
      detail:
        "There is /healthz, /profiles/v1, /profiles/v1/:id, /profiles/v1/:id/audit, /sync/v1/:store/pull and /sync/v1/:store/push.",
    }),
  );
  app.onError(problemHandler(report));
  return app;
}
