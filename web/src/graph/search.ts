/** Fuzzy search over words: pure ranking, used for node types, commands and find-in-workflow. */

export type Searchable = {
  readonly title: string;
  readonly words?: readonly string[];
  /** Added to the score of what matches, such as for being used often; 100 is the score of a whole word. */
  readonly weight?: number;
};

/** Entries that match all words of the query, best first; an empty query keeps the given order. */
export function rank<T extends Searchable>(entries: readonly T[], query: string): T[] {
  const wanted = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return [...entries];
  return entries
    .map((entry, index) => ({ entry, index, score: scoreOf(entry, wanted) }))
    .filter((found) => found.score > 0)
    .sort((one, other) => other.score - one.score || one.index - other.index)
    .map((found) => found.entry);
}

function scoreOf(entry: Searchable, wanted: readonly string[]): number {
  let total = 0;
  for (const word of wanted) {
    const title = matchScore(entry.title.toLowerCase(), word);
    const others = (entry.words ?? []).map((text) => matchScore(text.toLowerCase(), word) * 0.7);
    const best = Math.max(title, ...others);
    if (best === 0) return 0;
    total += best;
  }
  return total + (entry.weight ?? 0);
}

/** What stands between words. */
const GAP = /[\s_/-]/;

/** From 0 (no match) to 100: the whole text, its beginning, a whole word, a word's beginning, inside, or letters in order. */
export function matchScore(text: string, word: string): number {
  if (text === word) return 100;
  const at = text.indexOf(word);
  if (at === 0) return 90 - Math.min(text.length - word.length, 20) / 2;
  if (at > 0) {
    const begins = GAP.test(text[at - 1] ?? "");
    const ends = at + word.length === text.length || GAP.test(text[at + word.length] ?? "");
    return (begins ? (ends ? 80 : 70) : 50) - Math.min(text.length, 40) / 10;
  }
  return scattered(text, word);
}

/** Letters in order, the rarer the gaps the better; far-apart letters of a short query are no match. */
function scattered(text: string, word: string): number {
  let position = -1;
  let gaps = 0;
  for (const letter of word) {
    const next = text.indexOf(letter, position + 1);
    if (next < 0) return 0;
    if (position >= 0 && next > position + 1 && !GAP.test(text[next - 1] ?? "")) gaps += next - position - 1;
    position = next;
  }
  return gaps > word.length ? 0 : 30 - (gaps / word.length) * 15;
}
