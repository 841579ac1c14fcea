/**
 * The workflow inside a file that Kinegraph made: MP4 and QuickTime keep it as metadata keys, PNG as a text chunk. Reads
 * bytes only; the text is judged by whoever opens it.
 */

const WORKFLOW_KEY = "workflow";
const PNG_SIGNATURE = "\x89PNG\r\n\x1a\n";
/** Boxes that hold boxes on the way to the metadata. */
const CONTAINERS = new Set(["moov", "udta", "meta"]);
const utf8 = new TextDecoder();

/** The embedded workflow as text, or null. */
export function embeddedWorkflow(bytes: ArrayBuffer): string | null {
  const view = new DataView(bytes);
  const isPng = view.byteLength > 8 && ascii(view, 0, 8) === PNG_SIGNATURE;
  try {
    return isPng ? pngText(view) : mp4Tag(view, 0, view.byteLength, []);
  } catch (error) {
    // The file ends in the middle of something: then it carries nothing whole.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function ascii(view: DataView, start: number, length: number): string {
  let text = "";
  for (let index = 0; index < length; index += 1) text += String.fromCharCode(view.getUint8(start + index));
  return text;
}

function textOf(view: DataView, start: number, end: number): string {
  return utf8.decode(new Uint8Array(view.buffer, view.byteOffset + start, end - start));
}

/** Walk the boxes between two offsets; `keys` are the names that an `ilst` beside them counts from 1. */
function mp4Tag(view: DataView, start: number, end: number, keys: string[]): string | null {
  let at = start;
  while (at + 8 <= end) {
    const small = view.getUint32(at);
    const type = ascii(view, at + 4, 4);
    const header = small === 1 ? 16 : 8;
    const size = small === 1 ? Number(view.getBigUint64(at + 8)) : small === 0 ? end - at : small;
    if (size < header || at + size > end) return null;
    const found = mp4Box(view, type, at + header, at + size, keys);
    if (found !== null) return found;
    at += size;
  }
  return null;
}

function mp4Box(view: DataView, type: string, start: number, end: number, keys: string[]): string | null {
  if (type === "keys") keys.push(...keyNames(view, start, end));
  if (type === "ilst") return listItem(view, start, end, keys);
  if (!CONTAINERS.has(type)) return null;
  // A `meta` box has four bytes of version and flags, unless QuickTime wrote it.
  const isFull = type === "meta" && end - start >= 8 && ascii(view, start + 4, 4) !== "hdlr";
  return mp4Tag(view, isFull ? start + 4 : start, end, type === "meta" ? [] : keys);
}

function keyNames(view: DataView, start: number, end: number): string[] {
  const names: string[] = [];
  for (let at = start + 8; at + 8 <= end; ) {
    const size = view.getUint32(at);
    if (size < 8) break;
    names.push(textOf(view, at + 8, Math.min(at + size, end)));
    at += size;
  }
  return names;
}

function listItem(view: DataView, start: number, end: number, keys: readonly string[]): string | null {
  for (let at = start; at + 8 <= end; ) {
    const size = view.getUint32(at);
    if (size < 8) break;
    const name = keys[view.getUint32(at + 4) - 1];
    const data = at + 8;
    if (name === WORKFLOW_KEY && ascii(view, data + 4, 4) === "data")
      return textOf(view, data + 16, data + view.getUint32(data));
    at += size;
  }
  return null;
}

function pngText(view: DataView): string | null {
  for (let at = 8; at + 12 <= view.byteLength; ) {
    const size = view.getUint32(at);
    const type = ascii(view, at + 4, 4);
    const start = at + 8;
    if (type === "tEXt" || type === "iTXt") {
      const name = ascii(view, start, WORKFLOW_KEY.length + 1);
      if (name.toLowerCase() === `${WORKFLOW_KEY}\0`)
        return type === "tEXt"
          ? latin1(view, start + name.length, start + size)
          : international(view, start + name.length, start + size);
    }
    at += size + 12;
  }
  return null;
}

function latin1(view: DataView, start: number, end: number): string {
  return new TextDecoder("latin1").decode(new Uint8Array(view.buffer, start, end - start));
}

/** An iTXt chunk's text; compressed ones are left to the server. */
function international(view: DataView, start: number, end: number): string | null {
  if (view.getUint8(start) !== 0) return null;
  let at = start + 2;
  for (let zeros = 0; zeros < 2; at += 1) if (view.getUint8(at) === 0) zeros += 1;
  return textOf(view, at, end);
}
