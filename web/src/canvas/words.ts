/** Names of sockets as people read them. */

/** `guidance_scale` as `guidance scale`; a unit at the end, such as in `start_s`, stands apart. */
export function words(name: string): string {
  return name.replace(/_s$/, " (s)").replace(/_hz$/, " (Hz)").replaceAll("_", " ");
}
