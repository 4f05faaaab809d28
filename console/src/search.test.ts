import { describe, expect, it } from "vitest";
import { count, oneOf, parseSearch, read, stringifySearch, text } from "./search";

describe("parameters of an address", () => {
  const readers = { search: text, state: oneOf("ACTIVE", "INIT"), page: count };

  it("are read, each of its kind", () => {
    expect(read(readers, parseSearch("?search=tank%207&state=INIT&page=3"))).toEqual({
      search: "tank 7",
      state: "INIT",
      page: 3,
    });
  });

  it("are left out where they cannot be read", () => {
    const found = read(readers, parseSearch("?search=&state=initial&page=-1&other=1"));
    expect(found).toEqual({ search: undefined, state: undefined, page: undefined });
    // Named all the same, so that they take the place of what the address says.
    expect(Object.keys(found)).toEqual(["search", "state", "page"]);
    expect(["0", "1.5", "1e3", "12345678", "x"].map(count)).toEqual(Array(5).fill(undefined));
  });

  it("stay text, also where an identifier has only digits", () => {
    const search = { deviceEUI: "9999999999999999", asId: "1e5", live: "off", page: 2 };
    expect(stringifySearch(search)).toBe("?deviceEUI=9999999999999999&asId=1e5&live=off&page=2");
    expect(parseSearch(stringifySearch(search))).toEqual({ ...search, page: "2" });
    expect(stringifySearch({ a: undefined, b: "" })).toBe("");
    expect(parseSearch(stringifySearch({ name: "ü & +=" }))).toEqual({ name: "ü & +=" });
  });
});
