import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { embeddedWorkflow } from "../src/media/embedded";

const bytesOf = (text: string) => [...new TextEncoder().encode(text)];
const u32 = (value: number) => [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255];
const box = (type: string, ...content: number[][]): number[] => {
  const inner = content.flat();
  return [...u32(inner.length + 8), ...bytesOf(type), ...inner];
};
const file = (bytes: number[]) => new Uint8Array(bytes).buffer;

const text = '{"kinegraph": 1, "title": "赤い船"}';
const item = (index: number, value: string) => {
  const data = box("data", u32(1), u32(0), bytesOf(value));
  return [...u32(data.length + 8), ...u32(index), ...data];
};
const keys = box("keys", u32(0), u32(2), box("mdta", bytesOf("encoder")), box("mdta", bytesOf("workflow")));
const list = box("ilst", item(1, "x"), item(2, text));
const mp4 = [
  ...box("ftyp", bytesOf("isom")),
  ...box("moov", box("udta", box("meta", u32(0), box("hdlr", u32(0)), keys, list))),
];

describe("the workflow in a media file", () => {
  test("is found among an MP4's metadata keys, with and without a version in front", () => {
    expect(embeddedWorkflow(file(mp4))).toBe(text);
    expect(embeddedWorkflow(file(box("moov", box("meta", box("hdlr", u32(0)), keys, list))))).toBe(text);
  });

  test("is found in a PNG's text chunks", () => {
    const chunk = (type: string, content: number[]) => [
      ...u32(content.length),
      ...bytesOf(type),
      ...content,
      0,
      0,
      0,
      0,
    ];
    const png = [0x89, ...bytesOf("PNG\r\n"), 0x1a, 0x0a, ...chunk("IHDR", [1, 2, 3])];
    expect(embeddedWorkflow(file([...png, ...chunk("tEXt", [...bytesOf("workflow"), 0, ...bytesOf('{"a":1}')])]))).toBe(
      '{"a":1}',
    );
    expect(
      embeddedWorkflow(file([...png, ...chunk("iTXt", [...bytesOf("workflow"), 0, 0, 0, 0, 0, ...bytesOf(text)])])),
    ).toBe(text);
    expect(embeddedWorkflow(file(png))).toBe(null);
  });

  test("broken files of any kind carry none, and end", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(embeddedWorkflow(bytes.slice().buffer)).toBe(null);
      }),
    );
    for (let length = 0; length < mp4.length; length += 1)
      expect(embeddedWorkflow(file(mp4.slice(0, length)))).toBe(null);
  });
});
