/** Ids that nobody else makes. */

/** A fresh id. `crypto.randomUUID` exists on secure pages only, and a server in the local network is none. */
export function freshKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
