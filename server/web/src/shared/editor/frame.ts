// What do the editors of queries and of data have in common, and how do they take a field's place?
//
// The editor stands in a shadow root: there CodeMirror hands its style sheet to the document as an
// object, which the Content-Security-Policy of the pages allows, while it would be refused as an
// element. The text field stays in the form, holds the same text, and is what is sent.
import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, toggleComment } from "@codemirror/commands";
import { bracketMatching, indentUnit } from "@codemirror/language";
import { lintKeymap } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension, Prec } from "@codemirror/state";
import {
  drawSelection, EditorView, highlightActiveLineGutter, type KeyBinding, keymap, lineNumbers,
} from "@codemirror/view";
import { sparql } from "./language";
import { theme } from "./theme";

interface Frame {
  label: string;
  /** What one step of indentation is. */
  indent: string;
  onRun: () => void;
  onChange: (text: string) => void;
  /** Keys that go before all others, and those that come first among the usual. */
  keys: { first: KeyBinding[]; usual: KeyBinding[] };
  extensions: Extension[];
}

/** Put an editor, and the element that it is in, in the place of `field`. */
export function putEditor(field: HTMLTextAreaElement, frame: Frame): { view: EditorView; host: HTMLElement } {
  const host = document.createElement("div");
  host.className = "code-editor";
  const root = host.attachShadow({ mode: "open" });
  const run = (): boolean => {
    frame.onRun();
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
            ...frame.keys.first,
          ]),
        ),
        lineNumbers(),
        highlightActiveLineGutter(),
        history(),
        drawSelection(),
        indentUnit.of(frame.indent),
        bracketMatching(),
        closeBrackets(),
        highlightSelectionMatches(),
        sparql,
        theme,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({
          "aria-label": frame.label,
          // A part that scrolls needs one that can be reached by the keyboard.
          tabindex: "0",
          autocapitalize: "off",
          spellcheck: "false",
        }),
        frame.extensions,
        keymap.of([
          ...frame.keys.usual, ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap,
          ...historyKeymap, ...lintKeymap,
        ]),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          field.value = update.state.doc.toString();
          frame.onChange(field.value);
        }),
      ],
    }),
  });
  field.before(host);
  field.hidden = true;
  for (const label of field.labels) label.addEventListener("click", () => view.focus());
  return { view, host };
}
