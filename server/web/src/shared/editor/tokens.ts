// Of which pieces is a query made?
//
// The same reading as the server's policy has of it, good enough for colours, for completion and
// for indentation; whether it is SPARQL is for the engine to say.

export type Kind =
  | "comment" | "string" | "variable" | "name" | "language" | "iri" | "number" | "word" | "sign";

export interface Token {
  kind: Kind;
  text: string;
  from: number;
  to: number;
  /** A word in capitals, anything else as it is. */
  upper: string;
}

const CHAR = "[\\p{L}\\p{N}_\\u00B7\\u0300-\\u036F\\u203F\\u2040]";
const IN_NAME = "[\\p{L}\\p{N}_\\u00B7\\u0300-\\u036F\\u203F\\u2040:%-]";

/** What a piece looks like, in the order in which they are tried. */
export const PATTERNS: readonly (readonly [Kind, RegExp])[] = [
  ["comment", /#[^\n\r]*/uy],
  ["string", /"""(?:[^"\\]|\\[\s\S]|"(?!""))*(?:"""|$)|'''(?:[^'\\]|\\[\s\S]|'(?!''))*(?:'''|$)/uy],
  ["string", /"(?:[^"\\\n\r]|\\.)*"?|'(?:[^'\\\n\r]|\\.)*'?/uy],
  ["variable", new RegExp(`[?$]${CHAR}+`, "uy")],
  ["iri", /<[^<>"{}|^`\\\s]*>/uy],
  ["language", /@[A-Za-z]+(?:-[A-Za-z0-9]+)*/uy],
  [
    "name",
    new RegExp(
      `(?:_|(?:\\p{L}(?:[\\p{L}\\p{N}_.-]*[\\p{L}\\p{N}_-])?)?):` +
        `(?:${IN_NAME}|\\.(?=${IN_NAME})|\\\\[_~.\\-!$&'()*+,;=/?#@%])*`,
      "uy",
    ),
  ],
  ["number", /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/uy],
  ["word", /\p{L}[\p{L}\p{N}_]*/uy],
  ["sign", /&&|\|\||[!<>]=|\^\^|[\s\S]/uy],
];

const SPACE = /\s+/uy;

/** Return the pieces of `text` without the white space between. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  while (position < text.length) {
    SPACE.lastIndex = position;
    if (SPACE.test(text)) {
      position = SPACE.lastIndex;
      continue;
    }
    for (const [kind, pattern] of PATTERNS) {
      pattern.lastIndex = position;
      const found = pattern.exec(text)?.[0];
      if (!found) continue;
      const to = position + found.length;
      const upper = kind === "word" ? found.toUpperCase() : found;
      tokens.push({ kind, text: found, from: position, to, upper });
      position = to;
      break;
    }
  }
  return tokens;
}
