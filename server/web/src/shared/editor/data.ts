// How does a text field become an editor of data, with marks at the lines that are wrong?
//
// The editor stands in a shadow root, as that of queries does and for the same reason. The text
// field stays in the form, holds the same text, and is what is sent.
import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab, toggleComment } from "@codemirror/commands";
import { bracketMatching, indentUnit } from "@codemirror/language";
import { lintGutter, lintKeymap, nextDiagnostic, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, Prec } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { sparql } from "./language";
import { theme } from "./theme";

/** What is wrong in a line, and what the reader may do about it. */
export interface Mark {
  line: number;
  /** Counted from 1; 0 for the whole line. */
  column: number;
  severity: "error" | "warning" | "info";
  message: string;
  actions: { name: string; run(): void }[];
}

export interface DataEditor {
  view: EditorView;
  write(text: string): void;
  mark(marks: Mark[]): void;
  goTo(line: number, column?: number): void;
}

/** Put an editor in the place of `field`. */
export function editData(field: HTMLTextAreaElement, onRun: () => void): DataEditor {
  const host = document.createElement("div");
  host.className = "code-editor";
  const root = host.attachShadow({ mode: "open" });
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
            { key: "Mod-/", run: toggleComment },
            { key: "F8", run: nextDiagnostic },
          ]),
        ),
        lineNumbers(),
        lintGutter(),
        highlightActiveLineGutter(),
        history(),
        drawSelection(),
        indentUnit.of("    "),
        bracketMatching(),
        closeBrackets(),
        highlightSelectionMatches(),
        sparql,
        theme,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({
          "aria-label": field.labels[0]?.textContent ?? "",
          // A part that scrolls needs one that can be reached by the keyboard.
          tabindex: "0",
          autocapitalize: "off",
          spellcheck: "false",
        }),
        keymap.of([
          ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...lintKeymap,
          indentWithTab,
        ]),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          field.value = update.state.doc.toString();
          field.dispatchEvent(new Event("input", { bubbles: true }));
        }),
      ],
    }),
  });
  field.before(host);
  field.hidden = true;
  for (const label of field.labels) label.addEventListener("click", () => view.focus());

  const lineAt = (number: number) => view.state.doc.line(Math.min(Math.max(number, 1), view.state.doc.lines));
  return {
    view,
    write(text) {
      const before = view.state.doc.toString();
      if (text === before) return;
      // Only what differs: the cursor, and what can be undone, stay where they were.
      let start = 0;
      while (start < Math.min(text.length, before.length) && text[start] === before[start]) start++;
      let end = 0;
      const most = Math.min(text.length, before.length) - start;
      while (end < most && text[text.length - 1 - end] === before[before.length - 1 - end]) end++;
      view.dispatch({
        changes: { from: start, to: before.length - end, insert: text.slice(start, text.length - end) },
        userEvent: "input.mend",
      });
    },
    mark(marks) {
      const found = marks.map((mark): Diagnostic => {
        const line = lineAt(mark.line);
        const indent = /^\s*/.exec(line.text)?.[0].length ?? 0;
        const at = mark.column ? Math.min(line.from + mark.column - 1, line.to) : line.from + indent;
        return {
          from: at,
          to: mark.column ? Math.min(at + 1, line.to) : Math.max(line.to, at),
          severity: mark.severity,
          message: mark.message,
          actions: mark.actions.map(({ name, run: apply }) => ({ name, apply })),
        };
      });
      view.dispatch(setDiagnostics(view.state, found));
    },
    goTo(number, column = 0) {
      const line = lineAt(number);
      const anchor = column ? Math.min(line.from + column - 1, line.to) : line.from;
      view.dispatch({
        selection: { anchor },
        effects: EditorView.scrollIntoView(anchor, { y: "center" }),
      });
      host.scrollIntoView({ block: "nearest" });
      view.focus();
    },
  };
}
