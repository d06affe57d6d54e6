import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { PlainAnswer, Send } from "./conversation.ts";
import type { InstanceRequest } from "./instance-process.ts";
import { lambdaEvents } from "./lambda-events.ts";

/** An instance of a platform, in a process of its own. */
export interface Instance {
  /** A request may be sent while the instance is frozen: it is there when it thaws. */
  readonly send: Send;
  /** Stops the process where it is. */
  freeze(): Promise<void>;
  thaw(): void;
  /** What it wrote to its error output. */
  errors(): string;
  /** Whether the process still runs. */
  isAlive(): boolean;
  stop(): Promise<void>;
}

export interface InstanceOptions {
  readonly platform: "lambda" | "vercel";
  /** The module that the platform loads. */
  readonly entry: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Until the platform ends an invocation. Lambda only. */
  readonly timeoutMs: number;
}

export async function startInstance({ platform, entry, variables, timeoutMs }: InstanceOptions): Promise<Instance> {
  const child = fork(join(import.meta.dirname, "instance-process.ts"), [entry], {
    env: { VERCEL_URL: "onetrip-xmpl.vercel.app", VERCEL_REGION: "fra1", ...variables },
    execArgv: [],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let errors = "";
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    errors += chunk;
  });
  const exited = once(child, "exit").then(() => Promise.reject(new Error(`the instance has ended: ${errors}`)));
  exited.catch(() => undefined);
  await Promise.race([once(child, "message"), exited]);

  let requests = 0;
  async function ask(request: Omit<InstanceRequest, "id">): Promise<PlainAnswer> {
    requests += 1;
    const id = requests;
    const answered = new Promise<PlainAnswer>((resolve) => {
      child.on("message", function listen(message: { readonly id: number; readonly answer: PlainAnswer }) {
        if (message.id !== id) return;
        child.off("message", listen);
        resolve({ ...message.answer, headers: new Headers() });
      });
    });
    child.send({ id, ...request });
    return await Promise.race([answered, exited]);
  }

  return {
    send: (request) =>
      ask(platform === "lambda" ? { event: lambdaEvents["a function URL"](request), timeoutMs } : { request }),
    async freeze() {
      child.kill("SIGSTOP");
      while (stateOf(child.pid ?? 0) !== "T") await sleep(2);
    },
    thaw: () => void child.kill("SIGCONT"),
    errors: () => errors,
    isAlive: () => child.exitCode === null && child.signalCode === null,
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
