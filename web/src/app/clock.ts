/** A span of time as people say it. */
export function clock(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** A moment, in seconds since 1970: the time of day, and the day unless it is today. */
export function moment(seconds: number, now: number = Date.now()): string {
  const at = new Date(seconds * 1000);
  const today = at.toDateString() === new Date(now).toDateString();
  return at.toLocaleString(undefined, {
    ...(today ? {} : { day: "numeric", month: "short" }),
    hour: "2-digit",
    minute: "2-digit",
  });
}
