import { expect, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import type { Winner } from "../../src/stores/record-conflicts.ts";
import { failureOf } from "../contract/store.ts";
import { refusingStore } from "./refusing-store.ts";

it("conflicts and resolve refuse what is not sound, before anything is sent", async () => {
  const { records } = await refusingStore();
  const winners: readonly unknown[] = [undefined, null, "both", "", 1, {}, { value: undefined }, { value: Number.NaN }];
  const calls: readonly (() => Promise<unknown>)[] = [
    ...winners.map((winner) => () => records.resolve("a", winner as Winner)),
    () => records.resolve("", "local"),
    () => records.resolve("a", "local", { remote: "" }),
    () => records.conflicts({ remote: "\0" }),
    () => records.conflicts({ limit: 0 }),
    () => records.conflicts({ limit: 1001 }),
  ];
  for (const call of calls) expect(await failureOf(call())).toBeInstanceOf(ValidationError);
});
