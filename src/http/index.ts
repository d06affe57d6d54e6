/** The routes of onetrip, to be mounted in any Hono app. */
export { type AuthenticationOptions, authentication } from "./authentication.ts";
export { type DatabaseOptions, database } from "./database.ts";
export { type HealthRoutesOptions, healthRoutes } from "./health-routes.ts";
export { maySync, type OnetripEnv, type Principal, principalOf, requireScope, type Scope } from "./principal.ts";
export { type Problem, problemHandler, problemResponse, type Report } from "./problem.ts";
export { type ProfileRoutesOptions, profileRoutes } from "./profile-routes.ts";
export { type SyncRoutesOptions, type SyncVerdict, syncRoutes } from "./sync-routes.ts";
