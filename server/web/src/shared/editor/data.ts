// How does a text field become an editor of data, with marks at the lines that are wrong?
import { indentWithTab } from "@codemirror/commands";
import { lintGutter, nextDiagnostic, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { EditorView } from "@codemirror/view";
import { putEditor } from "./frame";

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
  const { view, host } = putEditor(field, {
    label: field.labels[0]?.textContent ?? "",
    indent: "    ",
    onRun,
    onChange: () => field.dispatchEvent(new Event("input", { bubbles: true })),
    keys: { first: [{ key: "F8", run: nextDiagnostic }], usual: [indentWithTab] },
    extensions: [lintGutter()],
  });

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
