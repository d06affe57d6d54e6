import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { PGlite } from "@electric-sql/pglite";
import { Client, Pool } from "pg";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalNeon, type PgliteServer, startLocalNeon, startPgliteServer } from "../../src/local/index.ts";
import { neonOverHttp, neonOverWebsocket } from "./neon-client.ts";

describe("the PostgreSQL port of a PGlite", () => {
  let db: PGlite;
  let server: PgliteServer;

  beforeAll(async () => {
    db = await PGlite.create();
    server = await startPgliteServer(db);
    await db.exec("create table accounts (id int primary key, balance int); create table items (id int)");
  });
  afterAll(async () => {
    await server.close();
    await server.close();
    await db.close();
  });

  it("keeps the transactions of 20 clients of four kinds apart", async () => {
    const local = await startLocalNeon({ database: db });
    await db.query("insert into accounts select id, 1000 from generate_series(0, 9) as id");
    const kinds = [transferWithPg, transferWithPostgres, transferOverHttp, transferOverWebsocket];
    const transfers = Array.from({ length: 20 }, (_, index) => kinds[index % 4]?.(index, { server, local }));
    const owner = transferAsOwner(db);
    const counts = await Promise.all([...transfers, owner]);
    const { rows } = await db.query("select sum(balance)::int as total, count(*)::int as n from accounts");
    expect(rows).toEqual([{ total: 10_000, n: 10 }]);
    expect(counts.every((count) => count === rounds)).toBe(true);
    await local.close();
  });

  it("rolls back what a client leaves open, and lets the others go on", async () => {
    const leaving = await connectPg();
    const waiting = await connectPg();
    await leaving.query("begin");
    await leaving.query("insert into items values (1)");
    const count = waiting.query("select count(*)::int as n from items where id = 1");
    Reflect.get(leaving, "connection").stream.destroy();
    expect((await count).rows).toEqual([{ n: 0 }]);
    await waiting.end();
  });

  it("keeps its turn between a Flush and the Sync that follows", async () => {
    const sql = postgres(server.url, { max: 1, prepare: false, fetch_types: false });
    const client = await connectPg();
    const described = Promise.all(Array.from({ length: 20 }, (_, index) => sql`select ${index}::int as n`));
    for (let index = 0; index < 20; index += 1) {
      expect((await client.query("select $1::text as t", [`${index}`])).rows).toEqual([{ t: `${index}` }]);
    }
    expect((await described).map(([row]) => row?.["n"])).toEqual(Array.from({ length: 20 }, (_, index) => index));
    await Promise.all([sql.end(), client.end()]);
  });

  it("keeps the prepared statements of two clients apart, and forgets them with their clients", async () => {
    const [one, two] = await Promise.all([connectPg(), connectPg()]);
    const text = (client: Client, value: string) => client.query({ name: "same", text: `select '${value}' as v` });
    await text(one, "one");
    await text(two, "two");
    expect((await text(one, "one")).rows).toEqual([{ v: "one" }]);
    expect((await text(two, "two")).rows).toEqual([{ v: "two" }]);
    await Promise.all([one.end(), two.end()]);
    await expect.poll(async () => (await db.query("select 1 from pg_prepared_statements")).rows).toEqual([]);
  });

  it("keeps the settings of two clients and the owner apart", async () => {
    const [one, two] = await Promise.all([connectPg(), connectPg()]);
    const shown = async (client: Client) => (await client.query("show search_path")).rows[0].search_path;
    await db.exec("set application_name = 'owner''s \\'");
    await one.query("select pg_catalog.set_config('search_path', '', false)");
    await two.query("begin");
    await two.query("set transaction isolation level serializable");
    await two.query("set search_path = pg_catalog");
    await two.query("commit");
    expect(await shown(one)).toBe("");
    expect(await shown(two)).toBe("pg_catalog");
    expect((await db.query("show search_path")).rows).toEqual([{ search_path: "public" }]);
    expect((await db.query("show application_name")).rows).toEqual([{ application_name: "owner's \\" }]);
    await two.query("set role pg_monitor");
    expect((await one.query("select current_user::text as u")).rows).toEqual([{ u: "postgres" }]);
    expect((await two.query("select current_user::text as u")).rows).toEqual([{ u: "pg_monitor" }]);
    await Promise.all([one.end(), two.end()]);
  });

  it("leaves an error where it happened", async () => {
    const client = await connectPg();
    await expect(client.query("select nope")).rejects.toMatchObject({ code: "42703" });
    await client.query("begin");
    await expect(client.query("select 1 / $1::int", [0])).rejects.toMatchObject({ code: "22012" });
    await expect(client.query("select 1")).rejects.toMatchObject({ code: "25P02" });
    expect((await client.query("commit")).command).toBe("ROLLBACK");
    await client.end();
    await expect(db.query("select nope")).rejects.toMatchObject({ code: "42703" });
    expect((await db.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });

  it("stays out of a transaction of its owner", async () => {
    const client = await connectPg();
    const read = await db.transaction(async (transaction) => {
      await transaction.query("insert into items values (2)");
      const reading = client.query("select count(*)::int as n from items where id = 2");
      await delay(30);
      await transaction.rollback();
      return { reading };
    });
    expect((await read.reading).rows).toEqual([{ n: 0 }]);
    await client.end();
  });

  it("refuses COPY FROM STDIN and goes on", async () => {
    const client = await connectPg();
    await expect(client.query("copy items from stdin")).rejects.toMatchObject({ code: "57014" });
    await expect(client.query({ text: "copy items from stdin", values: [] })).rejects.toMatchObject({ code: "57014" });
    expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await client.end();
  });

  it("cancels a statement that waits for its turn", async () => {
    const [holding, waiting] = await Promise.all([connectPg(), connectPg()]);
    await holding.query("begin");
    const rejected = expect(waiting.query("insert into items values (4)")).rejects.toMatchObject({ code: "57014" });
    await delay(30);
    const request = Buffer.alloc(16);
    [16, 80877102, Reflect.get(waiting, "processID"), Reflect.get(waiting, "secretKey")].forEach((value, index) => {
      request.writeInt32BE(value, index * 4);
    });
    connect(server.port, "127.0.0.1").end(request);
    await rejected;
    await holding.query("commit");
    expect((await waiting.query("select count(*)::int as n from items where id = 4")).rows).toEqual([{ n: 0 }]);
    await Promise.all([holding.end(), waiting.end()]);
  });

  it("ends a wait that could last for ever", async () => {
    const impatient = await startPgliteServer(db, { turnTimeoutMs: 50 });
    const client = new Client(impatient.url);
    await client.connect();
    await db.transaction(async () => {
      await expect(client.query("select 1")).rejects.toMatchObject({ code: "55P03" });
    });
    expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await client.end();
    await impatient.close();
  });

  it("tells what clients ask of a server at the start", async () => {
    const sql = postgres(server.url, { max: 1, fetch_types: false, ssl: "prefer" });
    await sql`select 1`;
    expect(sql.parameters).toMatchObject({
      server_version: expect.stringMatching(/^\d+/),
      client_encoding: "UTF8",
      standard_conforming_strings: "on",
      integer_datetimes: "on",
      TimeZone: expect.any(String),
      DateStyle: expect.any(String),
    });
    await sql.end();
  });

  it.each([
    ["password", "28P01"],
    ["username", "28P01"],
    ["pathname", "3D000"],
  ] as const)("refuses a wrong %s", async (part, code) => {
    const url = new URL(server.url);
    url[part] = "wrong";
    const client = new Client(url.href);
    await expect(client.connect()).rejects.toMatchObject({ code, severity: "FATAL" });
  });

  it("hangs up on what is not PostgreSQL's protocol", async () => {
    const socket = connect(server.port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\n\r\n");
    const [answer] = await once(socket, "data");
    expect(String(answer)).toContain("08P01");
    await once(socket, "close");
  });

  async function connectPg(): Promise<Client> {
    const client = new Client(server.url);
    client.on("error", () => undefined);
    await client.connect();
    return client;
  }
});

interface Endpoints {
  readonly server: PgliteServer;
  readonly local: LocalNeon;
}

const rounds = 10;

/** Takes from one account and gives to another in two statements; every third transfer is undone. */
function transfer(client: number, round: number) {
  const from = (client + round) % 10;
  const to = (client * 7 + round * 3 + 1) % 10;
  return { from, to, amount: client + 1, undone: (client + round) % 3 === 0 };
}

async function transferWithPg(client: number, { server }: Endpoints): Promise<number> {
  const pool = new Pool({ connectionString: server.url, max: 1 });
  await transferOnClient(client, () => pool.connect());
  await pool.end();
  return rounds;
}

async function transferOverWebsocket(client: number, { local }: Endpoints): Promise<number> {
  const pool = neonOverWebsocket(local.url);
  await transferOnClient(client, () => pool.connect());
  await pool.end();
  return rounds;
}

interface PooledClient {
  query(text: string, values?: number[]): Promise<unknown>;
  release(): void;
}

async function transferOnClient(client: number, acquire: () => Promise<PooledClient>): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const { from, to, amount, undone } = transfer(client, round);
    const connection = await acquire();
    await connection.query("begin");
    await connection.query("update accounts set balance = balance - $1 where id = $2", [amount, from]);
    await delay(1);
    if (undone) {
      await connection.query("rollback");
    } else {
      await connection.query("update accounts set balance = balance + $1 where id = $2", [amount, to]);
      await connection.query("commit");
    }
    connection.release();
  }
}

async function transferWithPostgres(client: number, { server }: Endpoints): Promise<number> {
  const sql = postgres(server.url, {
    max: 2,
    prepare: client % 2 === 0,
    fetch_types: false,
    onnotice: () => undefined,
  });
  for (let round = 0; round < rounds; round += 1) {
    const { from, to, amount, undone } = transfer(client, round);
    const moved = sql.begin(async (transaction) => {
      await transaction`update accounts set balance = balance - ${amount} where id = ${from}`;
      if (undone) {
        throw new Error("undone");
      }
      await transaction`update accounts set balance = balance + ${amount} where id = ${to}`;
    });
    await (undone ? expect(moved).rejects.toThrow("undone") : moved);
    expect(await sql`select ${round}::int as round`).toEqual([{ round }]);
  }
  await sql.end();
  return rounds;
}

async function transferOverHttp(client: number, { local }: Endpoints): Promise<number> {
  const sql = neonOverHttp(local.url);
  for (let round = 0; round < rounds; round += 1) {
    const { from, to, amount, undone } = transfer(client, round);
    const moved = sql.transaction([
      sql`update accounts set balance = balance - ${amount} where id = ${from}`,
      undone ? sql`select 1 / 0` : sql`update accounts set balance = balance + ${amount} where id = ${to}`,
    ]);
    await (undone ? expect(moved).rejects.toMatchObject({ code: "22012" }) : moved);
  }
  return rounds;
}

async function transferAsOwner(db: PGlite): Promise<number> {
  for (let round = 0; round < rounds; round += 1) {
    const { from, to, amount } = transfer(20, round);
    await db.transaction(async (transaction) => {
      await transaction.query("update accounts set balance = balance - $1 where id = $2", [amount, from]);
      await delay(1);
      await transaction.query("update accounts set balance = balance + $1 where id = $2", [amount, to]);
    });
    await db.query("select 1");
  }
  return rounds;
}
