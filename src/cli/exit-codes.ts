/** How the command line ends. From 64 on the numbers are those of BSD's sysexits.h. */
export const exitCodes = {
  ok: 0,
  problems: 1,
  unreachable: 2,
  usage: 64,
  data: 65,
  unavailable: 69,
  bug: 70,
  temporary: 75,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What each means, for the help. */
export const exitCodeMeanings: Readonly<Record<ExitCode, string>> = {
  0: "done; nothing is wrong",
  1: "the server refused it, or what was looked for is not as it should be",
  2: "no connection to the server: nothing was sent",
  64: "the arguments are not understood",
  65: "the input cannot be stored as it is",
  69: "a package is missing; the message says which",
  70: "a bug in this program",
  75: "not now: the same command may succeed later, or what became of it is not known",
  130: "stopped by Ctrl+C",
};

/** Lines for the end of a help text. */
export function exitCodeHelp(codes: readonly ExitCode[]): string {
  const lines = codes.map((code) => `  ${String(code).padEnd(4)} ${exitCodeMeanings[code]}`);
  return `\nExit status:\n${lines.join("\n")}`;
}
