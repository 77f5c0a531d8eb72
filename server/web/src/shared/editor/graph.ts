// What does the server know of the terms in a query?

/** A class, a property, a thing or a value, as the server tells it. */
export interface Term {
  iri?: string;
  name: string;
  label?: string;
  definition?: string;
  kind?: string;
  count?: number;
  path?: string;
}

export interface Terms {
  classes: Term[];
  properties: Term[];
  prefixes: Record<string, string>;
  /** What SERVICE can ask, and where that is. */
  services?: { name: string; address?: string }[];
}

export interface Problem {
  kind: string;
  title: string;
  message: string;
  remedy: string;
  line: number;
  column: number;
}

/** Who looks at a past generation asks that one. */
function address(path: string, parameters: Iterable<[string, string]>): string {
  const query = new URLSearchParams([...parameters].filter(([, value]) => value));
  const generation = new URLSearchParams(location.search).get("generation");
  if (generation) query.set("generation", generation);
  return query.size ? `${path}?${query}` : path;
}

async function get<T>(path: string, parameters: Iterable<[string, string]> = []): Promise<T> {
  const response = await fetch(address(path, parameters), { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`${response.status}`);
  return (await response.json()) as T;
}

let terms: Promise<Terms> | undefined;

/** Return every class, property and prefix; asked once. */
export function loadTerms(): Promise<Terms> {
  terms ??= get<Terms>("/sparql/terms").catch((error: unknown) => {
    terms = undefined; // the next one who wants them tries again
    throw error;
  });
  return terms;
}

const fitting = new Map<string, Promise<Term[]>>();
const MOST = 200;

/** Return what the server completes; the same is asked once. */
export function complete(parameters: Record<string, string>): Promise<Term[]> {
  const key = JSON.stringify(parameters);
  let found = fitting.get(key);
  if (!found) {
    found = get<{ terms: Term[] }>("/sparql/complete", Object.entries(parameters)).then(
      (answer) => answer.terms,
      () => [],
    );
    if (fitting.size >= MOST) fitting.delete(fitting.keys().next().value!);
    fitting.set(key, found);
  }
  return found;
}

const known = new Map<string, Term | null>();

/** Return what the graph says of each of `names`; null for what it says nothing about. */
export async function describe(names: readonly string[]): Promise<Map<string, Term | null>> {
  const asked = [...new Set(names)].filter((name) => !known.has(name));
  for (let i = 0; i < asked.length; i += 40) {
    const batch = asked.slice(i, i + 40);
    const { terms: found } = await get<{ terms: Term[] }>(
      "/sparql/terms",
      batch.map((name) => ["name", name]),
    );
    for (const name of batch) known.set(name, null);
    for (const term of found) known.set(term.name.replace(/^<|>$/g, ""), term);
  }
  return new Map(names.map((name) => [name, known.get(name) ?? null]));
}

/** Return what is wrong with a query, as far as it can be told without evaluating it. */
export async function check(query: string, signal?: AbortSignal): Promise<Problem[]> {
  const response = await fetch("/sparql/check", {
    method: "POST",
    headers: { "Content-Type": "application/sparql-query", Accept: "application/json" },
    body: query,
    ...(signal ? { signal } : {}),
  });
  if (!response.ok) return [];
  return ((await response.json()) as { problems: Problem[] }).problems;
}
