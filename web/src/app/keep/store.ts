/** A table of plain values in this browser (IndexedDB), which holds far more than localStorage and never blocks. */

const DATABASE = "kinegraph";
const TABLE = "kept";

export type Entry = readonly [key: string, value: unknown];

/** Thrown when the browser keeps nothing: no room is left, or it is told not to. */
export class NotKeptError extends Error {
  readonly full: boolean;

  constructor(cause: DOMException | null) {
    super(cause?.message ?? "the browser keeps nothing", { cause });
    this.name = "NotKeptError";
    this.full = cause?.name === "QuotaExceededError";
  }
}

let opened: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
    request.onsuccess = () => {
      // Another window may bring a newer layout, or the user may clear the site's data.
      request.result.onversionchange = () => request.result.close();
      request.result.onclose = () => {
        opened = null;
      };
      resolve(request.result);
    };
    request.onerror = () => {
      opened = null;
      reject(new NotKeptError(request.error));
    };
  });
  return opened;
}

async function within<T>(mode: IDBTransactionMode, work: (table: IDBObjectStore) => () => T): Promise<T> {
  const database = await open();
  return new Promise((resolve, reject) => {
    let result: () => T;
    try {
      const transaction = database.transaction(TABLE, mode);
      result = work(transaction.objectStore(TABLE));
      transaction.oncomplete = () => resolve(result());
      transaction.onabort = () => reject(new NotKeptError(transaction.error));
    } catch (error) {
      // The connection was closed under us.
      opened = null;
      reject(error instanceof DOMException ? new NotKeptError(error) : error);
    }
  });
}

/** All entries whose key begins with a word. */
export function entries(prefix: string): Promise<Entry[]> {
  return within("readonly", (table) => {
    const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
    const keys = table.getAllKeys(range);
    const values = table.getAll(range);
    return () => keys.result.map((key, index): Entry => [String(key), values.result[index]]);
  });
}

/** Write and remove entries, all or none. */
export function write(put: readonly Entry[], remove: readonly string[] = []): Promise<void> {
  return within("readwrite", (table) => {
    for (const [key, value] of put) table.put(value, key);
    for (const key of remove) table.delete(key);
    return () => undefined;
  });
}
