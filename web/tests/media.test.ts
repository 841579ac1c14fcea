import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { embeddedWorkflow } from "../src/media/embedded";
import {
  frameAt,
  frameStarting,
  kindOfFile,
  middleOf,
  readRate,
  readTimecode,
  startOf,
  timecode,
} from "../src/media/frames";
import { lastCommon, partnerOf } from "../src/media/inStep";
import { loaderOf } from "../src/media/use";
import { wavePath } from "../src/media/Wave";
import { catalogue } from "./toys";

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

const FILM = { frames: 24000, seconds: 1001 };
const rates = fc.constantFrom(
  { frames: 24, seconds: 1 },
  FILM,
  { frames: 30000, seconds: 1001 },
  { frames: 8, seconds: 1 },
);

describe("frames and times", () => {
  test("rates are read exactly, and what is none is refused", () => {
    expect(readRate("24000/1001")).toEqual(FILM);
    expect(readRate("25")).toEqual({ frames: 25, seconds: 1 });
    for (const bad of ["", "0/1", "24/0", "-3", "x", "1/x"]) expect(readRate(bad)).toBe(null);
  });

  test("a frame is found again from its beginning and from its middle, however long the video", () => {
    fc.assert(
      fc.property(fc.nat(2_000_000), rates, (frame, rate) => {
        expect(frameStarting(startOf(frame, rate), rate)).toBe(frame);
        expect(frameAt(startOf(frame, rate), rate)).toBe(frame);
        expect(frameAt(middleOf(frame, rate), rate)).toBe(frame);
      }),
    );
  });

  test("time codes count frames within seconds, and are read back", () => {
    expect(timecode(0, FILM)).toBe("00:00:00:00");
    expect(timecode(24 * 61 + 7, FILM)).toBe("00:01:01:07");
    expect(readTimecode("1:02:03", { frames: 25, seconds: 1 })).toBe((60 + 2) * 25 + 3);
    expect(readTimecode("17", FILM)).toBe(17);
    for (const bad of ["", "1:2:3:4:5", "a", "1:-2"]) expect(readTimecode(bad, FILM)).toBe(null);
    fc.assert(
      fc.property(fc.nat(8_000_000), rates, (frame, rate) => {
        expect(readTimecode(timecode(frame, rate), rate)).toBe(frame);
      }),
    );
  });

  test("files are told by their names", () => {
    expect(kindOfFile("a.MOV")).toBe("video");
    expect(kindOfFile("a.b.flac")).toBe("audio");
    expect(kindOfFile("a.jpeg")).toBe("image");
    for (const other of ["a.cube", "film", "", "a.mp4.txt"]) expect(kindOfFile(other)).toBe(null);
  });
});

describe("going on with a result", () => {
  const loader = (path: string, media_type: string) => loaderOf({ path, media_type }, Object.values(catalogue.nodes));

  test("the node that loads it is found by the file's kind", () => {
    expect(loader("x/boat_00001.mp4", "video/mp4")).toMatchObject({ definition: { id: "load_video" }, input: "file" });
    expect(loader("a.PNG", "image/png")?.definition.id).toBe("load_image");
    expect(loader("a.exe", "application/octet-stream")).toBe(null);
  });
});

describe("waveforms", () => {
  test("are a closed band, as high above the middle as below, and never nothing", () => {
    expect(wavePath([0.5, 1])).toBe("M0 0V-0.5H1V-1H2V1H1V0.5H0Z");
    expect(wavePath([0])).toContain("V-0.015");
  });
});

describe("two videos in step", () => {
  test("frames at the same time belong together, whatever the rates", () => {
    expect(partnerOf(7, FILM, FILM, 100)).toBe(7);
    expect(partnerOf(10, { frames: 24, seconds: 1 }, { frames: 12, seconds: 1 }, 100)).toBe(5);
    expect(partnerOf(11, { frames: 24, seconds: 1 }, { frames: 12, seconds: 1 }, 100)).toBe(5);
    expect(partnerOf(50, FILM, FILM, 20)).toBe(19);
  });

  test("the comparison ends with the shorter one", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        rates,
        fc.integer({ min: 1, max: 500 }),
        rates,
        (a, one, b, other) => {
          const last = lastCommon(a, one, b, other);
          expect(last).toBeGreaterThanOrEqual(0);
          expect(last).toBeLessThan(a);
          const partner = partnerOf(last, one, other, Number.POSITIVE_INFINITY);
          if (last > 0)
            expect(partner).toBeLessThan(b + Math.ceil(other.frames / other.seconds / (one.frames / one.seconds)));
        },
      ),
    );
    expect(lastCommon(100, FILM, 30, FILM)).toBe(29);
    expect(lastCommon(30, FILM, 100, FILM)).toBe(29);
  });
});
