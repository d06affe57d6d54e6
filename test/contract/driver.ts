import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Driver, Row, Statement } from "../../src/driver.ts";
import { PersistError, TimeoutError } from "../../src/errors.ts";
import { jsonValues, texts, typesQuery, typesRow } from "./driver-values.ts";

export interface DriverContractOptions {
  /** Why a running statement cannot be left waiting, where that is so. */
  readonly cannotInterrupt?: string;
}

/**
 * What every driver promises, whatever carries its bytes. `label` is `driver · server`, as the matrix of the test run shows
 * it; `open` gives a driver of its own each time, on a database that may be shared.
 */
export function describeDriver(label: string, open: () => Driver, options: DriverContractOptions = {}): void {
  const table = `contract_${Math.random().toString(36).slice(2, 10)}`;

  /** A driver for one test, closed after it. */
  async function using<T>(work: (driver: Driver) => Promise<T>): Promise<T> {
    const driver = open();
    try {
      return await work(driver);
    } finally {
      await driver.close();
    }
  }

  const insert = (id: number, text = "x") => sql(`insert into ${table} (id, body) values ($1, $2)`, id, text);
  const selectIds = sql(`select id from ${table} order by id`);
  const idsOf = (rows: readonly Row[]) => rows.map((row) => row["id"]);

  describe(`driver contract: ${label}`, () => {
    beforeAll(() => using((driver) => driver.query(sql(`create table ${table} (id int primary key, body text)`))));
    afterAll(() => using((driver) => driver.query(sql(`drop table ${table}`))));

    describe("order", () => {
      it("answers a batch statement by statement, in order", () =>
        using(async (driver) => {
          const statements = Array.from({ length: 40 }, (_, i) => sql("select $1::int4 as n", i));
          const results = await driver.batch(statements);
          expect(results.map((rows) => rows[0]?.["n"])).toEqual(statements.map((_, i) => i));
        }));

      it("gives no rows for a statement that returns none, and keeps its place", () =>
        using(async (driver) => {
          const results = await driver.batch([
            insert(1),
            selectIds,
            sql(`delete from ${table} where id = 1`),
            selectIds,
          ]);
          expect(results.map(idsOf)).toEqual([[], [1], [], []]);
        }));

      it("shows a statement of a batch what the ones before it wrote", () =>
        using(async (driver) => {
          const [, , rows] = await driver.batch([insert(2), insert(3), selectIds, sql(`delete from ${table}`)]);
          expect(idsOf(rows ?? [])).toEqual([2, 3]);
        }));
    });

    describe("atomicity", () => {
      it("leaves nothing behind when a statement of a batch fails", () =>
        using(async (driver) => {
          await expect(driver.batch([insert(10), insert(10), insert(11)])).rejects.toBeInstanceOf(PersistError);
          expect(await driver.query(selectIds)).toEqual([]);
        }));

      it("leaves nothing behind when the commit itself fails", () =>
        using(async (driver) => {
          const deferred = `${table}_deferred`;
          await driver.query(sql(`create table ${deferred} (id int, unique (id) deferrable initially deferred)`));
          const twice = sql(`insert into ${deferred} values (1)`);
          const error = await failureOf(driver.batch([twice, twice]));
          expect(error).toMatchObject({ code: "database", outcome: "rolled-back", sqlstate: "23505" });
          expect(await driver.query(sql(`select * from ${deferred}`))).toEqual([]);
          await driver.query(sql(`drop table ${deferred}`));
        }));

      it("is ready for the next call after a batch has failed", () =>
        using(async (driver) => {
          for (let round = 0; round < 3; round += 1) {
            await failureOf(driver.batch([insert(12), sql("select 1/0")]));
            expect(await driver.query(sql("select 1 as one"))).toEqual([{ one: 1 }]);
          }
          expect(await driver.query(selectIds)).toEqual([]);
        }));
    });

    describe("read-only", () => {
      it("refuses a write and lets reads through", () =>
        using(async (driver) => {
          expect(await driver.batch([selectIds], { readOnly: true })).toEqual([[]]);
          const error = await failureOf(driver.batch([selectIds, insert(20)], { readOnly: true }));
          expect(error).toMatchObject({ code: "database", outcome: "rolled-back", sqlstate: "25006" });
        }));
    });

    describe("isolation", () => {
      const level = sql("select current_setting('transaction_isolation') as level");

      it("is read committed unless asked otherwise", () =>
        using(async (driver) => {
          expect(await driver.batch([level])).toEqual([[{ level: "read committed" }]]);
        }));

      for (const isolation of ["read committed", "repeatable read", "serializable"] as const) {
        it(`is ${isolation} when asked for`, () =>
          using(async (driver) => {
            expect(await driver.batch([level], { isolation })).toEqual([[{ level: isolation }]]);
          }));
      }
    });

    describe("empty batch", () => {
      it("is an empty list", () =>
        using(async (driver) => {
          expect(await driver.batch([])).toEqual([]);
        }));
    });

    describe("json", () => {
      it("brings every value back as it was", () =>
        using(async (driver) => {
          for (const value of jsonValues) {
            const rows = await driver.query(sql("select $1::text::jsonb as value", JSON.stringify(value)));
            expect(rows).toEqual([{ value }]);
          }
        }));

      it("keeps __proto__ as data", () =>
        using(async (driver) => {
          const text = '{"__proto__": {"polluted": true}, "a": 1}';
          const [row] = await driver.query(sql("select $1::text::jsonb as value", text));
          expect(JSON.parse(JSON.stringify(row?.["value"]))).toEqual(JSON.parse(text));
          expect(Object.hasOwn(row?.["value"] as object, "__proto__")).toBe(true);
          expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
        }));
    });

    describe("text", () => {
      it("brings every character back as it was", () =>
        using(async (driver) => {
          for (const text of texts) {
            expect(await driver.query(sql("select $1::text as text", text))).toEqual([{ text }]);
          }
        }));

      it("does not read a parameter as SQL", () =>
        using(async (driver) => {
          const text = `'; drop table ${table}; --`;
          expect(await driver.query(sql("select $1::text as text", text))).toEqual([{ text }]);
          expect(await driver.query(selectIds)).toEqual([]);
        }));
    });

    describe("types", () => {
      it("agree for every driver, and what is not parsed is PostgreSQL's own text", () =>
        using(async (driver) => {
          const rows = await driver.query(sql(typesQuery));
          expect(rows).toEqual([typesRow]);
        }));

      it("of parameters are taken from where they are used", () =>
        using(async (driver) => {
          const text =
            "select $1::int4 + 1 as n, $2::bool as yes, $3::float8 as f, $4::text is null as missing, $5::int8::text as big";
          expect(await driver.query(sql(text, 41, true, 0.1, null, "9007199254740993"))).toEqual([
            { n: 42, yes: true, f: 0.1, missing: true, big: "9007199254740993" },
          ]);
        }));
    });

    describe("errors", () => {
      it("of a lone statement are rejected, with the SQLSTATE", () =>
        using(async (driver) => {
          const error = await failureOf(driver.query(sql("select * from there_is_no_such_table")));
          expect(error).toMatchObject({ code: "database", outcome: "rejected", sqlstate: "42P01", retryable: false });
        }));

      it("after the first rows of a statement leave nothing to the next", () =>
        using(async (driver) => {
          const failing = sql("select 1 / (3 - n) as n from generate_series(1, 3) n");
          expect(await failureOf(driver.query(failing))).toMatchObject({ sqlstate: "22012" });
          expect(await driver.query(sql("select 1 as one"))).toEqual([{ one: 1 }]);
          expect(await failureOf(driver.batch([failing]))).toMatchObject({ sqlstate: "22012" });
          expect(await driver.batch([sql("select 1 as one")])).toEqual([[{ one: 1 }]]);
        }));

      it("of a batch are rolled back, with the SQLSTATE and the constraint", () =>
        using(async (driver) => {
          const error = await failureOf(driver.batch([insert(30), insert(30)]));
          expect(error).toMatchObject({ code: "database", outcome: "rolled-back", sqlstate: "23505" });
          expect(error.cause).toMatchObject({ constraint: `${table}_pkey` });
        }));

      it("say when trying again may help", () =>
        using(async (driver) => {
          const raise = sql("do $$ begin raise exception 'try again' using errcode = '40001'; end $$");
          expect(await failureOf(driver.query(raise))).toMatchObject({ sqlstate: "40001", retryable: true });
        }));

      it("refuse two statements in one", () =>
        using(async (driver) => {
          expect(await failureOf(driver.query(sql("select 1; select 2")))).toMatchObject({ sqlstate: "42601" });
        }));

      it("refuse COPY and what begins or ends a transaction before anything is sent", () =>
        using(async (driver) => {
          for (const text of ["begin", "copy t from stdin", "/* a */ commit", "rollback"]) {
            const failures = [driver.query(sql(text)), driver.batch([insert(32), sql(text)])].map(failureOf);
            for (const error of await Promise.all(failures)) {
              expect(error).toMatchObject({ code: "validation", outcome: "not-sent" });
            }
          }
          expect(idsOf(await driver.query(selectIds))).not.toContain(32);
        }));

      it("never show a parameter", () =>
        using(async (driver) => {
          const secret = "s3cret-parameter";
          await driver.query(insert(31, secret));
          const failures = await Promise.all([
            failureOf(driver.query(sql("select $1::text::int4", secret))),
            failureOf(driver.query(sql("select $1::text::jsonb", secret))),
            failureOf(driver.batch([sql(`insert into ${table} select id, $1 from ${table}`, secret)])),
            failureOf(driver.query(sql(`select no_such_function($1::text)`, secret))),
          ]);
          await driver.query(sql(`delete from ${table}`));
          for (const error of failures) expect(everything(error)).not.toContain(secret);
        }));
    });

    describe("concurrency", () => {
      it("keeps a lone query out of a batch that fails", () =>
        using(async (driver) => {
          const failing = driver.batch([insert(40), sql("select pg_sleep(0.05)::text"), insert(40)]);
          const lone = driver.query(insert(41));
          await failureOf(failing);
          await lone;
          expect(idsOf(await driver.query(selectIds))).toEqual([41]);
          await driver.query(sql(`delete from ${table}`));
        }));

      it("gives each of many calls at once its own answer", () =>
        using(async (driver) => {
          const answers = await Promise.all(
            Array.from({ length: 30 }, (_, i) =>
              i % 3 === 0
                ? driver.batch([sql("select $1::int4 as n", i)]).then((results) => results[0])
                : driver.query(sql("select $1::int4 as n", i)),
            ),
          );
          expect(answers).toEqual(answers.map((_, i) => [{ n: i }]));
        }));
    });

    describe("abort", () => {
      const sleep = sql("select pg_sleep(3)::text");

      it("before the call sends nothing", () =>
        using(async (driver) => {
          const error = await failureOf(driver.query(insert(50), { signal: AbortSignal.abort() }));
          expect(error).toMatchObject({ code: "aborted", outcome: "not-sent" });
          expect(await driver.query(selectIds)).toEqual([]);
        }));

      it("during the call ends the wait at once, with the outcome unknown", (context) => {
        if (options.cannotInterrupt) return context.skip(options.cannotInterrupt);
        return using(async (driver) => {
          await driver.query(sql("select 1"));
          const abort = new AbortController();
          const call = failureOf(driver.query(sleep, { signal: abort.signal }));
          setTimeout(() => abort.abort(), 100);
          expect(await call).toMatchObject({ code: "aborted", outcome: "unknown" });
          expect(await driver.query(sql("select 1 as one"))).toEqual([{ one: 1 }]);
        });
      });

      it("by the deadline is a TimeoutError, and the next call works", (context) => {
        if (options.cannotInterrupt) return context.skip(options.cannotInterrupt);
        return using(async (driver) => {
          await driver.query(sql("select 1"));
          const error = await failureOf(driver.batch([insert(51), sleep], { timeoutMs: 100 }));
          expect(error).toBeInstanceOf(TimeoutError);
          expect(error).toMatchObject({ code: "timeout", outcome: "unknown", retryable: true });
          expect(await driver.query(sql("select 1 as one"))).toEqual([{ one: 1 }]);
        });
      });
    });

    describe("close", () => {
      it("is harmless twice, and without a call before it", async () => {
        const driver = open();
        await driver.close();
        await driver.close();
      });

      it("makes later calls fail with nothing sent", async () => {
        const driver = open();
        await driver.query(sql("select 1"));
        await driver.close();
        for (const call of [driver.query(insert(60)), driver.batch([insert(60)])]) {
          expect(await failureOf(call)).toMatchObject({ code: "closed", outcome: "not-sent" });
        }
      });
    });
  });
}

function sql(text: string, ...params: Statement["params"]): Statement {
  return { text, params };
}

/** The error of a call that must fail, and must fail with ours. */
async function failureOf(call: Promise<unknown>): Promise<PersistError> {
  const error = await call.then(
    () => new Error("the call was expected to fail"),
    (reason: unknown) => reason,
  );
  if (error instanceof PersistError) return error;
  throw error;
}

/** All that a logger could print of an error: its own properties, whether or not they are enumerable, and its causes'. */
function everything(error: unknown): string {
  if (typeof error !== "object" || error === null) return String(error);
  const names = Object.getOwnPropertyNames(error);
  return names.map((name) => `${name}: ${everything((error as Record<string, unknown>)[name])}`).join("\n");
}
