import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { errorResponse, parameterStatus, readyForQueryFinder, readyIdle } from "../../src/local/backend-messages.ts";
import { frontendMessages, startupParameters, statementText } from "../../src/local/frontend-messages.ts";
import { cString, int32, wireMessage } from "../../src/local/wire-message.ts";

describe("messages on the wire", () => {
  const sslRequest = Buffer.concat([int32(8), int32(80877103)]);
  const startupBody = Buffer.concat([int32(196608), ...["user", "ann", "database", "db", ""].map(cString)]);
  const startup = Buffer.concat([int32(startupBody.length + 4), startupBody]);
  const parse = wireMessage("P", cString("name"), cString("select $1 -- ü"), Buffer.from([0, 0]));
  const query = wireMessage("Q", cString("select 'Q'"));
  const session = Buffer.concat([sslRequest, startup, wireMessage("p", cString("secret")), parse, query]);

  it("from a client are the same however the network cuts them", () => {
    fc.assert(
      fc.property(cuts(session), (chunks) => {
        const split = frontendMessages();
        const messages = chunks.flatMap((chunk) => split(chunk));
        expect(messages.map(({ type }) => type)).toEqual(["ssl-request", "startup", "p", "P", "Q"]);
        expect(messages.map(statementText).filter(Boolean)).toEqual(["select $1 -- ü", "select 'Q'"]);
        expect(Buffer.concat(messages.map(({ bytes }) => bytes)).equals(session)).toBe(true);
        const started = messages.find(({ type }) => type === "startup");
        expect(started && Object.fromEntries(startupParameters(started))).toEqual({ user: "ann", database: "db" });
      }),
    );
  });

  it("from a server show each ReadyForQuery however the network cuts them", () => {
    const misleading = parameterStatus("Z", "ZZZZ\u0005I");
    const inTransaction = wireMessage("Z", Buffer.from("T"));
    const failed = wireMessage("Z", Buffer.from("E"));
    const empty = wireMessage("I");
    const parts = [
      readyIdle,
      misleading,
      inTransaction,
      empty,
      errorResponse("ERROR", "42601", "Z"),
      failed,
      readyIdle,
    ];
    fc.assert(
      fc.property(cuts(Buffer.concat(parts)), (chunks) => {
        const find = readyForQueryFinder();
        expect(chunks.flatMap((chunk) => find(chunk))).toEqual(["I", "T", "E", "I"]);
      }),
    );
  });

  it("that cannot be any are refused at once", () => {
    expect(() => frontendMessages()(Buffer.from("GET / HTTP/1.1\r\n"))).toThrow("startup packet");
    const split = frontendMessages();
    split(startup);
    expect(() => split(Buffer.concat([Buffer.from("Q"), int32(-1)]))).toThrow("message length");
  });
});

function cuts(bytes: Buffer): fc.Arbitrary<Buffer[]> {
  return fc.uniqueArray(fc.nat(bytes.length), { maxLength: 12 }).map((places) => {
    const edges = [0, ...places.sort((one, other) => one - other), bytes.length];
    return edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
  });
}
