// How does a text field become an editor of queries?
//
// The editor stands in a shadow root: there CodeMirror hands its style sheet to the document as an
// object, which the Content-Security-Policy of the pages allows, while it would be refused as an
// element. The text field stays in the form, holds the same text, and is what is sent.
import {
  acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion,
  completionKeymap, completionStatus, selectedCompletionIndex,
} from "@codemirror/autocomplete";
import {
  defaultKeymap, history, historyKeymap, indentLess, indentMore, insertNewlineAndIndent, toggleComment,
} from "@codemirror/commands";
import { bracketMatching, indentOnInput, indentRange, indentUnit } from "@codemirror/language";
import { lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, Prec, type Transaction } from "@codemirror/state";
import {
  EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers,
  type KeyBinding,
} from "@codemirror/view";
import { Completer, type Say } from "./completion";
import type { Problem } from "./graph";
import { marks, meanings, rangeAt } from "./hints";
import { sparql } from "./language";
import { findPlace } from "./place";
import { theme } from "./theme";
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
  const host = document.createElement("div");
  host.className = "code-editor";
  const root = host.attachShadow({ mode: "open" });
  const completer = new Completer(say);
  const run = (): boolean => {
    onRun();
    return true;
  };
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: field.value,
      extensions: [
        Prec.highest(
          keymap.of([
            { key: "Mod-Enter", run },
            { key: "Ctrl-Enter", run },
            { key: "Enter", run: enter },
            { key: "Mod-/", run: toggleComment },
          ]),
        ),
        lineNumbers(),
        highlightActiveLineGutter(),
        highlightActiveLine(),
        history(),
        drawSelection(),
        EditorState.allowMultipleSelections.of(true),
        EditorState.phrases.of(phrases(say)),
        indentUnit.of("  "),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        highlightSelectionMatches(),
        autocompletion({
          override: [completer.source, completer.names],
          icons: false,
          maxRenderedOptions: 120,
        }),
        sparql,
        theme,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({
          "aria-label": say("label"),
          "aria-describedby": "",
          autocapitalize: "off",
          spellcheck: "false",
        }),
        keymap.of([
          ...TAB, ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap,
          ...completionKeymap, ...lintKeymap,
        ]),
        marks(say, onChecked),
        meanings(),
        EditorView.domEventHandlers({ beforeinput: typeOver }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) field.value = update.state.doc.toString();
        }),
      ],
    }),
  });
  field.before(host);
  field.hidden = true;
  for (const label of field.labels) label.addEventListener("click", () => view.focus());

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
