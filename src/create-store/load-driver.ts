import type { WarningListener } from "../driver/warning.ts";
import type { Driver } from "../driver.ts";
import { CapabilityError } from "../errors.ts";
import { type DriverName, driverForUrl } from "./driver-for-url.ts";
import type { PostgresParameters } from "./store-options.ts";

/**
 * Makes the driver that belongs to a connection string or to parameters. Only the one that is needed is loaded. Opens no
 * connection.
 *
 * @throws CapabilityError when the driver cannot be loaded
 * @throws ValidationError when the connection string is of no known kind
 */
export async function loadDriver(parameters: PostgresParameters, onWarning?: WarningListener): Promise<Driver> {
  const { connectionString } = parameters;
  if (connectionString === undefined) return loadPostgres(parametersOf(parameters), parameters, onWarning);
  const name = driverForUrl(connectionString);
  if (name === "postgres") return loadPostgres(connectionString, parameters, onWarning);
  if (name === "neon-http") {
    const { neonHttp } = await load<NeonHttpModule>(name, "@neondatabase/serverless");
    return neonHttp(connectionString);
  }
  const { pglite } = await load<PgliteModule>(name, "@electric-sql/pglite");
  return pglite(connectionString.slice("pglite:".length) || undefined);
}

/** What is used of the drivers, which this layer does not import: a type test holds them against the real ones. */
export interface NeonHttpModule {
  neonHttp(connectionString: string): Driver;
}

export interface PgliteModule {
  pglite(dataDir?: string): Driver;
}

export interface PostgresModule {
  postgres(
    connection: string | Pick<PostgresParameters, "host" | "port" | "database" | "user" | "password" | "ssl">,
    options: {
      readonly poolSize: number;
      readonly idleTimeoutMs?: number;
      readonly connectTimeoutMs?: number;
      readonly onWarning?: WarningListener;
    },
  ): Driver;
}

async function loadPostgres(
  connection: Parameters<PostgresModule["postgres"]>[0],
  { poolSize = 10, idleTimeout, connectionTimeout }: PostgresParameters,
  onWarning: WarningListener | undefined,
): Promise<Driver> {
  const { postgres } = await load<PostgresModule>("postgres", "postgres");
  return postgres(connection, { poolSize, idleTimeoutMs: idleTimeout, connectTimeoutMs: connectionTimeout, onWarning });
}

function parametersOf({ host, port, database, user, password, ssl }: PostgresParameters) {
  return { host, port, database, user, password, ssl };
}

async function load<Module>(name: DriverName, packageName: string): Promise<Module> {
  try {
    return (await importByName(`onetrip/${name}`)) as Module;
  } catch (cause) {
    throw new CapabilityError(
      `createStore: the driver onetrip/${name} could not be loaded; run npm install ${packageName}, and in a bundled worker import the driver yourself and pass it as driver`,
      { cause },
    );
  }
}

/** The name is computed, so that no bundler follows it: an application carries only the drivers that it imports itself. */
function importByName(name: string): Promise<unknown> {
  return import(/* @vite-ignore */ name);
}
