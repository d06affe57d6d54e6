import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { FrozenRequest } from "./frozen-process.ts";

/** A process with one driver that can be frozen. */
export interface FrozenDriver {
  /** One at a time. May be sent while the process is frozen. */
  ask(request: FrozenRequest): Promise<string>;
  freeze(): Promise<void>;
  thaw(): void;
  /** What it wrote to its error output. */
  errors(): string;
  stop(): Promise<void>;
}

export async function startFrozenDriver(): Promise<FrozenDriver> {
  const child = fork(join(import.meta.dirname, "frozen-process.ts"), {
    execArgv: [],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let errors = "";
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    errors += chunk;
  });
  const exited = once(child, "exit").then(() => Promise.reject(new Error(`the process has ended: ${errors}`)));
  exited.catch(() => undefined);
  const heard = async () => String((await Promise.race([once(child, "message"), exited]))[0]);
  await heard();

  return {
    ask(request) {
      const answer = heard();
      child.send(request);
      return answer;
    },
    async freeze() {
      child.kill("SIGSTOP");
      while (stateOf(child.pid ?? 0) !== "T") await sleep(1);
    },
    thaw: () => void child.kill("SIGCONT"),
    errors: () => errors,
    async stop() {
      child.kill("SIGKILL");
      await exited.catch(() => undefined);
    },
  };
}

/** As Linux knows it: `T` is stopped. */
function stateOf(pid: number): string | undefined {
  return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
}
