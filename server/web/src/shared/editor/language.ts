// How is a query coloured and indented?
import { StreamLanguage, type StringStream } from "@codemirror/language";
import { FUNCTIONS, KEYWORDS } from "./words";
import { PATTERNS, type Kind } from "./tokens";

interface Bracket {
  sign: string;
  /** How far the line is indented on which it stands. */
  indent: number;
  /** How many pieces the statement inside has so far. */
  pieces: number;
  /** Where the second of them begins: there its like goes on in the next line. */
  align: number;
}

interface State {
  /** The quotes of a string that goes on in the next line. */
  quotes: string;
  brackets: Bracket[];
  last: string;
}

const OPENS = "{([";
const CLOSES = "})]";
const STYLES: Readonly<Record<Kind, string | null>> = {
  comment: "comment",
  string: "string",
  variable: "variableName",
  name: "propertyName",
  language: "annotation",
  iri: "url",
  number: "number",
  word: "invalid",
  sign: "operator",
};
const outside = (): Bracket => ({ sign: "", indent: 0, pieces: 0, align: -1 });

function readString(stream: StringStream, state: State): string {
  while (!stream.eol()) {
    if (stream.match(state.quotes)) {
      state.quotes = "";
      break;
    }
    if (stream.next() === "\\") stream.next();
  }
  return "string";
}

function note(stream: StringStream, state: State, kind: Kind, text: string): void {
  const within = state.brackets[state.brackets.length - 1]!;
  if (kind === "comment") return;
  state.last = text;
  if (kind === "sign" && OPENS.includes(text)) {
    within.pieces += text === "{" ? 0 : 1;
    state.brackets.push({ ...outside(), sign: text, indent: stream.indentation() });
  } else if (kind === "sign" && CLOSES.includes(text)) {
    if (state.brackets.length > 1) state.brackets.pop();
    const around = state.brackets[state.brackets.length - 1]!;
    if (text === "}") around.pieces = 0;
  } else if (text === ".") {
    within.pieces = 0;
  } else if (kind !== "sign" && !(kind === "word" && text !== "a" && within.pieces === 0)) {
    within.pieces += 1;
    if (within.pieces === 1) within.align = -1;
    if (within.pieces === 2) within.align = stream.column();
  }
}

/** SPARQL, for the editor. */
export const sparql = StreamLanguage.define<State>({
  name: "sparql",
  startState: () => ({ quotes: "", brackets: [outside()], last: "" }),
  copyState: (state) => ({ ...state, brackets: state.brackets.map((bracket) => ({ ...bracket })) }),
  token(stream, state) {
    if (state.quotes) return readString(stream, state);
    if (stream.eatSpace()) return null;
    const long = /^(?:"""|''')/.exec(stream.string.slice(stream.pos));
    if (long) {
      note(stream, state, "string", long[0]);
      stream.match(long[0]);
      state.quotes = long[0];
      return readString(stream, state);
    }
    for (const [kind, pattern] of PATTERNS) {
      pattern.lastIndex = stream.pos;
      const text = pattern.exec(stream.string)?.[0];
      if (!text) continue;
      note(stream, state, kind, text);
      stream.pos += text.length;
      if (kind === "word") {
        const upper = text.toUpperCase();
        if (text === "a" || upper in KEYWORDS) return "keyword";
        return upper in FUNCTIONS ? "typeName" : "invalid";
      }
      if (kind === "sign") {
        if (OPENS.includes(text) || CLOSES.includes(text)) return "bracket";
        return ".;,".includes(text) ? "punctuation" : "operator";
      }
      return STYLES[kind];
    }
    stream.next();
    return null;
  },
  indent(state, after, context) {
    if (state.quotes) return null;
    const within = state.brackets[state.brackets.length - 1]!;
    if (state.brackets.length === 1) return null;
    if (CLOSES.includes(after.charAt(0)) && after) return within.indent;
    const inner = within.indent + context.unit;
    if (within.sign === "{" && within.pieces > 0) {
      return within.align > 0 ? within.align : inner + context.unit;
    }
    return inner;
  },
  languageData: {
    commentTokens: { line: "#" },
    closeBrackets: { brackets: ["(", "[", "{", '"', "'"] },
    indentOnInput: /^\s*[})\]]$/,
  },
});
