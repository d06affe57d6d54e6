/** Runs the steps of the start one after the other and says how long each took. */
export interface Steps {
  run<T>(name: string, detail: string, work: () => Promise<T>): Promise<T>;
}

/** In a terminal the line of a step is there while it runs; elsewhere it is written when the step is done. */
export function steps(output: NodeJS.WriteStream): Steps {
  return {
    async run(name, detail, work) {
      const line = `  ${name.padEnd(9)} ${detail.padEnd(46)}`;
      if (output.isTTY) output.write(`${line} …`);
      const startedAt = performance.now();
      try {
        const result = await work();
        const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
        output.write(`${output.isTTY ? "\r\x1b[K" : ""}${line} ${seconds} s\n`);
        return result;
      } catch (error) {
        output.write(output.isTTY ? "\n" : `${line} failed\n`);
        throw error;
      }
    },
  };
}
