/**
 * Runs one step of a script and prints one line with the time it took; below it, what went wrong. A step that fails
 * makes the process exit with 1 at its end, and the next steps still run.
 *
 * @param work gives one line per problem, or throws.
 * @returns whether the step passed.
 */
export async function step(name: string, work: () => readonly string[] | Promise<readonly string[]>): Promise<boolean> {
  const began = performance.now();
  const problems = await problemsOf(work);
  const passed = problems.length === 0;
  console.log(`${passed ? "✓" : "✗"} ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
  for (const problem of problems) console.log(problem.replaceAll(/^/gm, "    "));
  if (!passed) process.exitCode = 1;
  return passed;
}

async function problemsOf(work: () => readonly string[] | Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await work();
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}
