// What does a name mean, and what is wrong where?
import { completionStatus } from "@codemirror/autocomplete";
import { linter, lintGutter, type Diagnostic } from "@codemirror/lint";
import { hoverTooltip, type EditorView, type Tooltip } from "@codemirror/view";
import type { Extension, Text } from "@codemirror/state";
import { check, describe, loadTerms, type Problem, type Terms } from "./graph";
import { tokenize, type Token } from "./tokens";
import { FUNCTIONS, KEYWORDS } from "./words";
import type { Say } from "./completion";

/** Return the range of the document at a line and a column; the server counts characters. */
export function rangeAt(doc: Text, line: number, column: number): { from: number; to: number } {
  if (line < 1) return { from: 0, to: Math.min(doc.length, doc.line(1).to) };
  const found = doc.line(Math.min(line, doc.lines));
  const before = [...found.text].slice(0, Math.max(0, column - 1)).join("").length;
  const from = Math.min(found.from + before, found.to);
  const token = tokenize(doc.toString()).find((t) => t.from <= from && from < t.to);
  const end = token ? Math.min(token.to, found.to) : found.to;
  // At the end of a line there is nothing to underline but what stands before.
  return from < end ? { from, to: end } : { from: Math.max(found.from, from - 1), to: from };
}

function toDiagnostic(doc: Text, problem: Problem): Diagnostic {
  return {
    ...rangeAt(doc, problem.line, problem.column),
    severity: "error",
    message: `${problem.message} ${problem.remedy}`.trim(),
    source: problem.title,
  };
}

/** Return where the query names what the graph knows nothing of: the answer will lack it. */
async function findUnknown(tokens: readonly Token[], say: Say): Promise<Diagnostic[]> {
  const terms = await loadTerms();
  const names = tokens.filter((token, i) => {
    const [prefix, local] = token.text.split(":", 2);
    return (
      token.kind === "name" && local && prefix !== undefined &&
      (terms.prefixes[prefix] ?? "").includes("w3id.org/peninsula/") &&
      tokens[i - 1]?.upper !== "PREFIX" && !isDeclared(tokens, prefix) && prefix !== "graph"
    );
  });
  const known = await describe(names.map((token) => token.text));
  return names
    .filter((token) => known.get(token.text) === null)
    .map((token) => {
      const near = nearest(token.text, terms);
      return {
        from: token.from,
        to: token.to,
        severity: "warning" as const,
        message: say("unknown").replace("{name}", token.text),
        actions: near.map((name) => ({
          name: say("write").replace("{name}", name),
          apply: (view: EditorView, from: number, to: number) =>
            view.dispatch({ changes: { from, to, insert: name } }),
        })),
      };
    });
}

function isDeclared(tokens: readonly Token[], prefix: string): boolean {
  return tokens.some((token, i) => token.text === `${prefix}:` && tokens[i - 1]?.upper === "PREFIX");
}

/** Return the classes and properties whose names are most like `name`. */
function nearest(name: string, terms: Terms): string[] {
  if (!name.startsWith("pen:")) return [];
  const local = name.slice(4);
  const all = [...new Set([...terms.properties, ...terms.classes].map((term) => term.name))];
  return all
    .filter((other) => other.startsWith("pen:"))
    .map((other) => [other, likeness(local, other.slice(4))] as const)
    .filter(([, like]) => like >= 0.5)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 2)
    .map(([other]) => other);
}

/** Return how many pairs of letters two words share (Dice). */
function likeness(one: string, other: string): number {
  const pairs = (text: string): string[] =>
    [...text.toLowerCase()].slice(1).map((letter, i) => text.toLowerCase().charAt(i) + letter);
  const [a, b] = [pairs(one), pairs(other)];
  const left = [...b];
  const shared = a.filter((pair) => {
    const at = left.indexOf(pair);
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
  return a.length + b.length ? (2 * shared.length) / (a.length + b.length) : 0;
}

/** Marks what cannot be read, and what the graph does not know, a moment after the last key. */
export function marks(say: Say, onChecked: (problems: Problem[]) => void): Extension {
  return [
    lintGutter(),
    linter(
      async (view) => {
        const text = view.state.doc.toString();
        if (!text.trim() || completionStatus(view.state) === "active") {
          onChecked([]);
          return [];
        }
        try {
          const problems = await check(text);
          onChecked(problems);
          if (problems.length) return problems.map((p) => toDiagnostic(view.state.doc, p));
          return await findUnknown(tokenize(text), say);
        } catch {
          return []; // the server is not there; running the query will say so
        }
      },
      {
        delay: 700,
        // What is being chosen from a list is not wrong yet; it is looked at when the list is gone.
        needsRefresh: (update) =>
          completionStatus(update.startState) !== null && completionStatus(update.state) === null,
      },
    ),
  ];
}

/** Tells what the name under the pointer means. */
export function meanings(): Extension {
  return hoverTooltip(async (view, position): Promise<Tooltip | null> => {
    const tokens = tokenize(view.state.doc.toString());
    const token = tokens.find((t) => t.from <= position && position < t.to);
    if (!token) return null;
    const told = await tell(token);
    if (!told) return null;
    return {
      pos: token.from,
      end: token.to,
      above: true,
      create: () => ({ dom: told }),
    };
  });
}

async function tell(token: Token): Promise<HTMLElement | null> {
  const box = document.createElement("div");
  box.className = "told";
  const say = (tag: string, text: string): HTMLElement => {
    const element = document.createElement(tag);
    element.textContent = text;
    return element;
  };
  if (token.kind === "word") {
    const known = FUNCTIONS[token.upper];
    const what = known ? known[1] : KEYWORDS[token.upper];
    if (!what) return null;
    box.append(say("p", `${token.upper}${known ? known[0] : ""}`), say("p", what));
    return box;
  }
  if (token.kind !== "name" && token.kind !== "iri") return null;
  const name = token.text.replace(/^<|>$/g, "");
  const term = (await describe([name]).catch(() => null))?.get(name);
  if (!term) return null;
  const head = document.createElement("p");
  head.append(say("b", term.label ?? term.name));
  if (term.kind) head.append(" ", say("small", term.kind));
  box.append(head);
  if (term.definition) box.append(say("p", term.definition));
  if (term.path?.startsWith("/")) {
    const link = document.createElement("a");
    link.href = term.path;
    link.textContent = term.name;
    const line = document.createElement("p");
    line.append(link);
    box.append(line);
  }
  return box;
}

