import { describe, expect, it } from "vitest";
import { runHere, runOnetrip } from "./run-onetrip.ts";

const commands = ["dev", "migrate", "status", "sql", "doctor", "sync", "import", "export"];

describe("help", () => {
  it("lists the commands and the exit statuses", async () => {
    const { code, stdout, stderr } = await runOnetrip(["--help"]);
    expect(code).toBe(0);
    expect(stderr).toBe("");
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command} `, "m"));
    expect(stdout).toContain("64   the arguments are not understood");
  });

  it.each(commands)("%s has examples and exit statuses, in lines that fit", async (command) => {
    const { code, stdout } = await runHere([command, "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Exit status:\n {2}0 /m);
    expect(stdout).toMatch(/onetrip (?:.+ )?\w+/);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(132);
  });

  it("prints the version", async () => {
    expect(await runOnetrip(["--version"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });
});

describe("arguments that are not understood end with 64, and say what to do", () => {
  it.each([
    [[], "Usage: onetrip"],
    [["bogus"], "unknown command 'bogus'"],
    [["status", "--bogus"], "unknown option '--bogus'"],
    [["status"], "DATABASE_URL"],
    [["status", "mysql://host/db"], "begins with postgresql:// or pglite:"],
    [["status", "postgresql://h/d", "more"], "too many arguments"],
    [["status", "postgresql://h/d", "--timeout", "soon"], "whole number"],
    [["dev", "--port", "99999"], "0 to 65535"],
    [["sql", "postgresql://h/d"], "missing argument: statement"],
    [["import", "postgresql://h/d", "notes", "-", "--events", "--kv"], "one of them"],
    [["migrate", "--print", "--check"], "one of them"],
    [["migrate", "postgresql://h/d", "--rls"], "--profiles"],
    [["sync", "notes", "postgresql://h/d", "ftp://host"], "https://host/sync/v1/store"],
    [["sync", "notes", "postgresql://h/d", "https://host/x", "--strategy", "luck"], "last-write-wins, merge, manual"],
  ])("%j", async (args, hint) => {
    const { code, stdout, stderr } = await runHere(args);
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
    expect(stderr).toContain(hint);
    expect(stderr).toContain("onetrip");
  });

  it("with --json the error is a line on stdout too", async () => {
    const { code, stdout } = await runHere(["export", "postgresql://h/d", "notes", "--json"]);
    expect(code).toBe(64);
    const message = expect.stringContaining("--output");
    expect(JSON.parse(stdout)).toEqual({ error: { code: "usage", exitCode: 64, message } });

    const unknown = await runHere(["status", "--json", "--bogus"]);
    expect(JSON.parse(unknown.stdout)).toEqual({
      error: { code: "usage", exitCode: 64, message: "unknown option '--bogus'" },
    });
  });
});

describe("a server that is not there ends with 2, without the password", () => {
  const url = "postgresql://ada:hunter2@127.0.0.1:1/notes";

  it.each([
    ["status", [url]],
    ["sql", [url, "select 1"]],
    ["migrate", [url]],
    ["import", [url, "notes", "-"]],
    ["export", [url, "notes"]],
  ])("%s", async (command, args) => {
    const { code, stdout, stderr } = await runHere([command, ...args], { input: '{"key":"a","value":1}\n' });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("nothing listens on this port");
    expect(stderr).not.toContain("hunter2");
  });
});
