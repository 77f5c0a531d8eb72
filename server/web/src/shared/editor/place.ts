// What stands around the cursor: which part of which triple is being written?
import { tokenize, type Token } from "./tokens";
import { FUNCTIONS, KEYWORDS } from "./words";

export type Role =
  | "prologue" // between the declarations
  | "clause" // outside of every group: SELECT, ORDER BY …
  | "subject" // where a triple, or a clause of a group, begins
  | "property"
  | "class"
  | "value"
  | "expression"
  | "none"; // within a comment or a string

export interface Place {
  role: Role;
  /** Where what is being typed begins, and what it is so far. */
  from: number;
  typed: string;
  /** The subject of the triple, as it is written; empty where there is none. */
  subject: string;
  /** The predicate before a value; before a property, the path that leads to it. */
  predicate: string;
  isInverse: boolean;
  /** The patterns beside the triple that say something of its subject. */
  pattern: string;
  /** The declarations, as they are written. */
  prologue: string;
  /** The variables of the whole query, without the one that is being typed. */
  variables: string[];
}

/** One predicate with its objects, or the subject of a triple, as a range of tokens. */
interface Unit {
  kind: "triples" | "clause";
  subject: Token[];
  parts: Token[][];
  /** The tokens of a clause. */
  tokens: Token[];
}

interface Frame {
  bracket: string;
  /** The index of the first token inside, and of the one that closes it. */
  first: number;
  last: number;
  reading: "group" | "expression" | "data" | "template" | "list";
}

const CLAUSES = new Set([
  "FILTER", "OPTIONAL", "MINUS", "UNION", "BIND", "VALUES", "GRAPH", "SERVICE", "SELECT", "WHERE", "EXISTS", "NOT", "LATERAL",
]);
const CLOSING: Readonly<Record<string, string>> = { "{": "}", "(": ")", "[": "]" };

/** Return what stands at `position` of `text`. */
export function findPlace(text: string, position: number): Place {
  const tokens = tokenize(text);
  const place: Place = {
    role: "none", from: position, typed: "", subject: "", predicate: "", isInverse: false,
    pattern: "", prologue: "", variables: [],
  };
  const at = tokens.findIndex((token) => token.from < position && position <= token.to);
  const current = tokens[at];
  if (current) {
    const isClosed = /^(['"])(?:[\s\S]*)\1$/.test(current.text) && current.text.length > 1;
    if (current.kind === "comment" || (current.kind === "string" && !(isClosed && position === current.to))) {
      return place;
    }
    const isTyped =
      ["word", "name", "variable"].includes(current.kind) ||
      (current.kind === "sign" && "?$".includes(current.text));
    if (isTyped) {
      const first = current.kind === "word" ? firstOfLabel(tokens, at) : at;
      place.from = tokens[first]!.from;
      place.typed = text.slice(place.from, position);
    } else if (position < current.to) {
      return place; // inside of an IRI or a number
    }
  }
  const isAtToken = place.typed !== "";
  const code = tokens.filter((token) => token.kind !== "comment");
  // How many tokens stand before the one that is being typed.
  const before = code.filter((token) => token.to <= place.from).length;
  const rest = code.filter(
    (token) => !(isAtToken && token.from >= place.from && token.from < position),
  );
  place.variables = [
    ...new Set(rest.filter((token) => token.kind === "variable").map((token) => token.text)),
  ];
  place.prologue = readPrologue(rest);

  const frames = openFrames(rest, before);
  const within = frames[frames.length - 1];
  if (!within) {
    const previous = rest[before - 1];
    if (previous && (previous.upper === "PREFIX" || previous.upper === "BASE")) place.role = "none";
    else place.role = rest.slice(0, before).some((t) => isForm(t)) ? "clause" : "prologue";
    return place;
  }
  place.role = "expression";
  if (within.reading === "expression" || within.reading === "list") return place;
  if (within.reading === "data") {
    place.role = "value";
    return place;
  }
  readTriple(rest, before, frames, place);
  return place;
}

/** Return where the words begin that may be a label: “South Korea” is typed as it is said. */
function firstOfLabel(tokens: readonly Token[], at: number): number {
  let first = at;
  while (first > 0) {
    const [before, here] = [tokens[first - 1]!, tokens[first]!];
    const isPlain = before.kind === "word" && before.text !== "a" && !isKnown(before.upper);
    if (!isPlain || here.from - before.to !== 1 || isKnown(here.upper)) break;
    first--;
  }
  return first;
}

const isKnown = (upper: string): boolean => upper in KEYWORDS || upper in FUNCTIONS;

function isForm(token: Token): boolean {
  return ["SELECT", "CONSTRUCT", "ASK", "DESCRIBE"].includes(token.upper);
}

function readPrologue(tokens: readonly Token[]): string {
  const declared: string[] = [];
  tokens.forEach((token, i) => {
    const [name, iri] = [tokens[i + 1], tokens[i + 2]];
    if (token.upper === "PREFIX" && name?.kind === "name" && iri?.kind === "iri") {
      declared.push(`PREFIX ${name.text} ${iri.text}`);
    }
  });
  return declared.join("\n");
}

/** Return the brackets around the token `at`, the outermost first. */
function openFrames(tokens: readonly Token[], at: number): Frame[] {
  const frames: Frame[] = [];
  let isProjection = false;
  for (let i = 0; i < at; i++) {
    const token = tokens[i]!;
    const outer = frames[frames.length - 1];
    if (token.kind === "word") {
      if (["SELECT", "ORDER", "GROUP", "HAVING"].includes(token.upper)) isProjection = true;
      if (["WHERE", "CONSTRUCT", "ASK", "DESCRIBE"].includes(token.upper)) isProjection = false;
    }
    if (token.kind !== "sign") continue;
    if (token.text in CLOSING) {
      frames.push({
        bracket: token.text, first: i + 1, last: closingOf(tokens, i),
        reading: readingOf(tokens, i, outer, isProjection),
      });
      if (token.text === "{") isProjection = false;
    } else if (outer && token.text === CLOSING[outer.bracket]) {
      frames.pop();
    }
  }
  return frames;
}

function readingOf(
  tokens: readonly Token[], i: number, outer: Frame | undefined, isProjection: boolean,
): Frame["reading"] {
  const token = tokens[i]!;
  const previous = tokens[i - 1];
  if (outer?.reading === "data") return "data";
  if (token.text === "{") {
    if (isValues(tokens, i)) return "data";
    return previous?.upper === "CONSTRUCT" ? "template" : "group";
  }
  if (token.text === "[") return outer?.reading === "template" ? "template" : "group";
  if (outer?.reading === "expression" || isProjection || !outer) return "expression";
  if (previous?.kind === "word" && previous.text !== "a") return "expression";
  return "list"; // a collection, or a group of a path
}

function isValues(tokens: readonly Token[], brace: number): boolean {
  let i = brace - 1;
  while (i >= 0 && (tokens[i]!.kind === "variable" || "()".includes(tokens[i]!.text))) i--;
  return i >= 0 && tokens[i]!.upper === "VALUES";
}

function closingOf(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    const { kind, text } = tokens[i]!;
    if (kind !== "sign") continue;
    if (text in CLOSING) depth++;
    else if (text === "}" || text === ")" || text === "]") depth--;
    if (depth === 0) return i;
  }
  return tokens.length;
}

/** Return the statements between two tokens. */
function readUnits(tokens: readonly Token[], first: number, last: number, isBracket: boolean): Unit[] {
  const units: Unit[] = [];
  const fresh = (): Unit => ({ kind: "triples", subject: [], parts: [[]], tokens: [] });
  let unit = fresh();
  let isSubject = !isBracket;
  const finish = (): void => {
    if (unit.tokens.length) units.push(unit);
    unit = fresh();
    isSubject = !isBracket;
  };
  for (let i = first; i < last; i++) {
    const token = tokens[i]!;
    const isClause = token.kind === "word" && CLAUSES.has(token.upper);
    if (isClause && !(unit.kind === "clause" && ["NOT", "EXISTS"].includes(token.upper))) {
      finish();
      unit.kind = "clause";
    }
    if (token.text === "{" && token.kind === "sign" && unit.kind === "triples") {
      finish();
      unit.kind = "clause";
    }
    const end = token.kind === "sign" && token.text in CLOSING ? closingOf(tokens, i) : i;
    const piece = tokens.slice(i, Math.min(end + 1, last));
    i = end;
    if (unit.kind === "triples" && token.kind === "sign" && token.text === ".") {
      finish();
      continue;
    }
    unit.tokens.push(...piece);
    if (unit.kind === "clause") {
      const upper = unit.tokens[0]!.upper;
      const isDone =
        token.text === "{" ||
        (token.text === "(" && ["FILTER", "BIND"].includes(upper)) ||
        token.text === ".";
      if (isDone) finish();
    } else if (token.kind === "sign" && token.text === ";") {
      unit.parts.push([]);
    } else if (isSubject) {
      unit.subject.push(...piece);
      isSubject = false;
    } else {
      unit.parts[unit.parts.length - 1]!.push(...piece);
    }
  }
  finish();
  return units;
}

const write = (tokens: readonly Token[]): string => tokens.map((token) => token.text).join(" ");

/** Find out which part of a triple stands at `at`, and what else is said of its subject. */
function readTriple(tokens: readonly Token[], at: number, frames: readonly Frame[], place: Place): void {
  const within = frames[frames.length - 1]!;
  const isBracket = within.bracket === "[";
  const units = readUnits(tokens, within.first, at, isBracket);
  const position = tokens[at - 1];
  let unit = units[units.length - 1];
  const isFresh =
    !unit ||
    (unit.kind === "clause" && isComplete(unit, position)) ||
    (position?.kind === "sign" && position.text === ".");
  if (unit?.kind === "clause" && !isFresh) {
    const word = [...unit.tokens].reverse().find((token) => token.kind === "word");
    place.role = ["GRAPH", "SERVICE"].includes(word?.upper ?? "") ? "value" : "clause";
    return;
  }
  if (isFresh) unit = { kind: "triples", subject: [], parts: [[]], tokens: [] };
  const part = unit!.parts[unit!.parts.length - 1]!;
  if (!isBracket && unit!.subject.length === 0) {
    place.role = "subject";
    return;
  }
  place.subject = isBracket ? "?_blank" : write(unit!.subject);
  readPart(part, place);
  if (within.reading === "template" || place.subject.startsWith("[") || place.subject.startsWith("(")) {
    place.subject = "";
    return;
  }
  const said = [...unit!.parts.slice(0, -1), ...partsBehind(tokens, at, within, isBracket)]
    .filter((other) => other.length >= 2)
    .map((other) => ({ text: `${place.subject} ${write(other)} .`, names: variablesOf(other).concat(place.subject) }));
  const others = frames.flatMap((frame, i) => {
    if (frame.bracket !== "{" || frame.reading !== "group") return [];
    // What stands around a subquery is not seen from inside.
    const hidden = frames.slice(i + 1).some((inner) => isSubquery(tokens, inner));
    return hidden ? [] : patternsOf(tokens, frame, at);
  });
  place.pattern = isVariable(place.subject) || isBracket ? connected(place.subject, [...said, ...others]) : "";
}

function isComplete(unit: Unit, last: Token | undefined): boolean {
  if (!last) return true;
  const first = unit.tokens[0]!.upper;
  if (first === "FILTER" || first === "BIND") return last.text === ")" || last.text === "}";
  return last.text === "}" || last.text === ".";
}

const isVariable = (text: string): boolean => /^[?$]/.test(text);

function isSubquery(tokens: readonly Token[], frame: Frame): boolean {
  return frame.bracket === "{" && tokens[frame.first]?.upper === "SELECT";
}

/** Read how far a predicate with its objects has got. */
function readPart(part: readonly Token[], place: Place): void {
  let verb = 0; // the number of tokens of the predicate, 0 while it is not whole
  let depth = 0;
  for (let i = 0; i < part.length; i++) {
    const { kind, text } = part[i]!;
    if (kind === "sign" && text === "(") depth++;
    if (kind === "sign" && text === ")") depth--;
    if (depth > 0 || (kind === "sign" && "^/|!".includes(text))) continue;
    const next = part[i + 1];
    if (next?.kind === "sign" && "*+?/|".includes(next.text)) continue;
    verb = i + 1;
    break;
  }
  const last = part[part.length - 1];
  if (verb === 0 || (last?.kind === "sign" && "/|^!".includes(last.text) && part.length === verb)) {
    place.role = "property";
    const slash = part.map((token) => token.text).lastIndexOf("/");
    place.isInverse = last?.text === "^";
    const alternative = part.map((token) => token.text).lastIndexOf("|");
    place.predicate = slash > alternative ? write(part.slice(0, slash)) : "";
    return;
  }
  const predicate = write(part.slice(0, verb));
  const isWhole = part.length > verb && last?.text !== ",";
  if (isWhole) {
    // A value stands there already: what follows is punctuation, or the next clause.
    place.role = "clause";
    return;
  }
  place.role = predicate === "a" || predicate === "rdf:type" ? "class" : "value";
  place.predicate = predicate;
}

/** Return the predicates with their objects that follow in the same triple, behind the cursor. */
function partsBehind(tokens: readonly Token[], at: number, within: Frame, isBracket: boolean): Token[][] {
  const behind = readUnits(tokens, at, within.last, true);
  const first = behind[0];
  if (!first || first.kind !== "triples") return [];
  // The first of them is what the cursor stands in.
  return isBracket || first.parts.length > 1 ? first.parts.slice(1) : [];
}

interface Pattern {
  text: string;
  names: string[];
}

const variablesOf = (tokens: readonly Token[]): string[] =>
  tokens.filter((token) => token.kind === "variable").map((token) => token.text);

/** Return the patterns of a group, without the one in which the cursor stands. */
function patternsOf(tokens: readonly Token[], frame: Frame, at: number): Pattern[] {
  const place = tokens[at]?.from ?? Infinity;
  const cursor = tokens[at - 1]?.to ?? 0;
  const patterns: Pattern[] = [];
  for (const unit of readUnits(tokens, frame.first, frame.last, false)) {
    const [first, last] = [unit.tokens[0]!, unit.tokens[unit.tokens.length - 1]!];
    // Around the cursor, or ending where it stands without a full stop between.
    const holds = first.from < place && (last.to >= place || (last.to === cursor && unit.kind === "triples"));
    if (holds && !(last.to === cursor && isEnded(tokens, at))) continue;
    if (unit.kind === "clause") {
      if (!["VALUES", "BIND", "GRAPH", "{", "UNION"].includes(first.upper)) continue;
      patterns.push({ text: write(unit.tokens), names: variablesOf(unit.tokens) });
      continue;
    }
    const subject = write(unit.subject);
    const parts = unit.parts.filter((part) => part.length >= 2);
    if (!parts.length) continue;
    patterns.push({
      text: `${subject} ${parts.map(write).join(" ; ")} .`,
      names: variablesOf(unit.tokens),
    });
  }
  return patterns;
}

const isEnded = (tokens: readonly Token[], at: number): boolean => tokens[at - 1]?.text === ".";

/** Return those of `patterns` that say something of `subject`, directly or by others. */
function connected(subject: string, patterns: readonly Pattern[]): string {
  const known = new Set([subject]);
  const chosen = new Set<Pattern>();
  for (let grown = true; grown; ) {
    grown = false;
    for (const pattern of patterns) {
      if (chosen.has(pattern) || !pattern.names.some((name) => known.has(name))) continue;
      chosen.add(pattern);
      for (const name of pattern.names) known.add(name);
      grown = true;
    }
  }
  return patterns
    .filter((pattern) => chosen.has(pattern))
    .map((pattern) => pattern.text)
    .join("\n");
}
