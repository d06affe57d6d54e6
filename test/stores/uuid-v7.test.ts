import { describe, expect, it } from "vitest";
import { uuidV7 } from "../../src/stores/uuid-v7.ts";

describe("uuidV7", () => {
  it("is the example of RFC 9562, appendix A.6, given its time and random bits", () => {
    const random = [0, 0, 0, 0, 0, 0, 0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f];
    expect(uuidV7(0x017f22e279b0, (bytes) => bytes.set(random))).toBe("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  });

  it("sorts by time as text, and is new each time", () => {
    const times = [0, 1, 2 ** 32 - 1, 2 ** 32, Date.UTC(2026, 10, 20), 2 ** 48 - 1];
    const ids = times.map((time) => uuidV7(time));
    expect(ids.toSorted()).toEqual(ids);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set(Array.from({ length: 1000 }, () => uuidV7(1))).size).toBe(1000);
  });
});
