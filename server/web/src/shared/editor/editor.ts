// How does a text field become an editor of queries?
import {
  acceptCompletion, autocompletion, closeCompletion, completionKeymap, completionStatus,
  selectedCompletionIndex,
} from "@codemirror/autocomplete";
import { indentLess, indentMore, insertNewlineAndIndent } from "@codemirror/commands";
import { indentOnInput, indentRange } from "@codemirror/language";
import { setDiagnostics } from "@codemirror/lint";
import { EditorState, type Transaction } from "@codemirror/state";
import { EditorView, highlightActiveLine, type KeyBinding } from "@codemirror/view";
import { Completer, type Say } from "./completion";
import type { Problem } from "./graph";
import { putEditor } from "./frame";
import { marks, meanings, rangeAt } from "./hints";
import { findPlace } from "./place";
import { tokenize } from "./tokens";

export interface Editor {
  view: EditorView;
  read(): string;
  /** Put another text in the place of the whole; it can be undone. */
  write(text: string): void;
  focus(): void;
  /** Mark where something is wrong. */
  mark(problem: Problem): void;
  /** Bring a place into view, with the cursor there. */
  goTo(line: number, column: number): void;
  /** Indent every line anew. */
  tidy(): void;
}

/** Enter takes an offer that was asked for; after a space it is a new line. */
function enter(view: EditorView): boolean {
  if (completionStatus(view.state) !== "active") return false;
  const place = findPlace(view.state.doc.toString(), view.state.selection.main.head);
  if (place.typed || (selectedCompletionIndex(view.state) ?? 0) > 0) return false;
  closeCompletion(view);
  return insertNewlineAndIndent(view);
}

/**
 * Type over a selection. Left to itself, the browser keeps the look of what it replaces by a style
 * attribute, which the Content-Security-Policy refuses with a complaint in the console.
 */
function typeOver(event: InputEvent, view: EditorView): boolean {
  const { selection } = view.state;
  const { from, to, empty } = selection.main;
  const text = event.data;
  if (event.inputType !== "insertText" || !text || empty || event.isComposing || selection.ranges.length > 1) {
    return false;
  }
  event.preventDefault();
  const insert = (): Transaction =>
    view.state.update(view.state.replaceSelection(text), { userEvent: "input.type", scrollIntoView: true });
  const handlers = view.state.facet(EditorView.inputHandler);
  if (!handlers.some((handle) => handle(view, from, to, text, insert))) view.dispatch(insert());
  return true;
}

const TAB: KeyBinding[] = [
  { key: "Tab", run: (view) => acceptCompletion(view) || indentMore(view), shift: indentLess },
];

/** Put an editor in the place of `field`. */
export function edit(
  field: HTMLTextAreaElement,
  say: Say,
  onRun: () => void,
  onChecked: (problems: Problem[]) => void,
): Editor {
  const completer = new Completer(say);
  const { view } = putEditor(field, {
    label: say("label"),
    indent: "  ",
    onRun,
    onChange: () => undefined,
    keys: { first: [{ key: "Enter", run: enter }], usual: [...TAB, ...completionKeymap] },
    extensions: [
      highlightActiveLine(),
      EditorState.allowMultipleSelections.of(true),
      EditorState.phrases.of(phrases(say)),
      indentOnInput(),
      autocompletion({
        override: [completer.source, completer.names],
        icons: false,
        maxRenderedOptions: 120,
      }),
      marks(say, onChecked),
      meanings(),
      EditorView.domEventHandlers({ beforeinput: typeOver }),
    ],
  });

  return {
    view,
    read: () => view.state.doc.toString(),
    write(text) {
      if (text === view.state.doc.toString()) return;
      view.dispatch({
        changes: { from: 0, to: view.state.doc.length, insert: text },
        selection: { anchor: 0 },
        scrollIntoView: true,
      });
    },
    focus: () => view.focus(),
    mark(problem) {
      const range = rangeAt(view.state.doc, problem.line, problem.column);
      const message = `${problem.message} ${problem.remedy}`.trim();
      view.dispatch(setDiagnostics(view.state, [{ ...range, severity: "error", message }]));
    },
    goTo(line, column) {
      const { from } = rangeAt(view.state.doc, line, column);
      view.dispatch({ selection: { anchor: from }, scrollIntoView: true });
      view.focus();
    },
    tidy() {
      const { doc } = view.state;
      const trimmed: { from: number; to: number }[] = [];
      const strings = tokenize(doc.toString()).filter((token) => token.kind === "string");
      for (let i = 1; i <= doc.lines; i++) {
        const line = doc.line(i);
        const kept = line.text.trimEnd().length;
        // The spaces of a string are part of what it says.
        const isInString = strings.some((token) => token.from < line.to && line.to < token.to);
        if (kept < line.length && !isInString) trimmed.push({ from: line.from + kept, to: line.to });
      }
      view.dispatch({ changes: trimmed });
      // Where a line stands depends on the lines above it, which move, too.
      for (let i = 0; i < 5; i++) {
        const changes = indentRange(view.state, 0, view.state.doc.length);
        if (changes.empty) break;
        view.dispatch({ changes });
      }
      view.focus();
    },
  };
}

/** CodeMirror's own words, in the language of the page. */
function phrases(say: Say): Record<string, string> {
  const words = [
    "Find", "Replace", "next", "previous", "all", "match case", "by word", "regexp", "replace",
    "replace all", "close", "Completions", "Diagnostics",
  ];
  return Object.fromEntries(words.map((word) => [word, say(`cm:${word}`)]).filter(([word, said]) => said !== `cm:${word}`));
}
