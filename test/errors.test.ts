import { describe, expect, it } from "vitest";
import { ConflictError, NotFoundError, PersistError } from "../src/errors.ts";

describe("instanceof", () => {
  const foreign = Object.assign(new Error("from another copy of the package"), {
    [Symbol.for("onetrip.PersistError")]: true,
    code: "database",
  });

  it("knows an error of another copy of the package", () => {
    expect(foreign).toBeInstanceOf(PersistError);
  });

  it("keeps the subclasses apart", () => {
    const error = new ConflictError("conflict", { currentVersion: 1 });
    expect(error).toBeInstanceOf(ConflictError);
    expect(error).toBeInstanceOf(PersistError);
    expect(error).not.toBeInstanceOf(NotFoundError);
    expect(foreign).not.toBeInstanceOf(ConflictError);
  });

  it("does not take other errors for ours", () => {
    for (const other of [new Error("other"), null, undefined, "text", {}])
      expect(other).not.toBeInstanceOf(PersistError);
  });
});
