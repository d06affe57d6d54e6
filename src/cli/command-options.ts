import { type Command, InvalidArgumentError, Option } from "commander";

/** What every command that goes to a database takes. */
export interface DatabaseOptions {
  readonly schema: string;
  readonly timeout: number;
  readonly neonEndpoint?: boolean;
  readonly json?: boolean;
}

export const urlHelp = "postgresql://user:password@host:port/database or pglite:folder; without it, DATABASE_URL";

/** @param timeoutMs the default deadline of a call */
export function withDatabaseOptions(command: Command, timeoutMs = 30_000): Command {
  return command
    .option("--schema <name>", "schema of the tables", "persist")
    .addOption(
      new Option("--timeout <ms>", "deadline of each call, in milliseconds").argParser(wholeNumber).default(timeoutMs),
    )
    .option(
      "--neon-endpoint",
      "go over HTTP: the URL is that of a Neon endpoint (Neon's hosts and onetrip dev are known)",
    )
    .option("--json", "print the result as one line of JSON");
}

/** @throws InvalidArgumentError unless it is a whole number from 1 */
export function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a whole number, at least 1.");
}

/** The same from 0. */
export function countFromZero(text: string): number {
  return text === "0" ? 0 : wholeNumber(text);
}

/** A port, or 0 for any that is free. */
export function portNumber(text: string): number {
  const port = countFromZero(text);
  if (port <= 65_535) return port;
  throw new InvalidArgumentError("Expected a number from 0 to 65535.");
}
