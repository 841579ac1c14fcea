import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evaluate } from "../src/widgets/expression";
import { settle } from "../src/widgets/number";
import { newSeed } from "../src/widgets/seed";

describe("number fields", () => {
  test("take arithmetic", () => {
    expect(evaluate("64*4")).toBe(256);
    expect(evaluate("(3+1)/2")).toBe(2);
    expect(evaluate("-2*-3")).toBe(6);
    expect(evaluate("1,5")).toBe(1.5);
    expect(evaluate("2e3")).toBe(2000);
  });

  test("take nothing else", () => {
    for (const text of ["", "abc", "1/0", "(1", "1+", "2 3", "alert(1)", "(".repeat(500)])
      expect(evaluate(text)).toBe(null);
  });

  test("settle on the grid of steps, within the limits", () => {
    const limits = { min: 0, max: 20, step: 0.1, whole: false, unit: "" };
    expect(settle(7.18, limits)).toBe(7.2);
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), (value) => {
        const settled = settle(value, limits);
        expect(settled).toBeGreaterThanOrEqual(0);
        expect(settled).toBeLessThanOrEqual(20);
        expect(Math.abs(settled * 10 - Math.round(settled * 10))).toBeLessThan(1e-9);
      }),
    );
  });

  test("seeds stay within their limits", () => {
    for (let count = 0; count < 200; count += 1) expect([5, 6, 7]).toContain(newSeed({ min: 5, max: 7 }));
  });
});
