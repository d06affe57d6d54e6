import { execFile } from "node:child_process";

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a program to its end and gives what it wrote to stdout.
 *
 * @throws Error whose message is everything the program wrote, when it fails.
 */
export function run(command: string, args: readonly string[], { cwd, env }: RunOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd, env: { ...process.env, ...env }, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 } as const;
    execFile(command, args, options, (error, stdout, stderr) => {
      if (error)
        reject(
          new Error(
            [stdout, stderr]
              .map((text) => text.trim())
              .join("\n")
              .trim() || error.message,
          ),
        );
      else resolve(stdout);
    });
  });
}
