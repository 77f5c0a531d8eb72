// Which queries were run in this browser? They are kept here and nowhere else.

export interface Past {
  query: string;
  /** When it was run, in milliseconds. */
  at: number;
  /** What came of it, in words. */
  outcome: string;
}

const KEY = "sparql-queries";
const MOST = 100;
const LONGEST = 20_000;

/** Return the queries that were run, the latest first. */
export function readPast(): Past[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? (kept as Past[]).filter((p) => typeof p.query === "string") : [];
  } catch {
    return [];
  }
}

/** Keep what was run; the same query is kept once. */
export function keep(past: Past): void {
  if (past.query.length > LONGEST) return;
  write([past, ...readPast().filter((other) => other.query !== past.query)].slice(0, MOST));
}

/** Forget a query, or all of them. */
export function forget(query?: string): void {
  write(query === undefined ? [] : readPast().filter((past) => past.query !== query));
}

function write(past: Past[]): void {
  try {
    if (past.length) localStorage.setItem(KEY, JSON.stringify(past));
    else localStorage.removeItem(KEY);
  } catch {
    // Where a browser keeps nothing for us, there is no past.
  }
}
