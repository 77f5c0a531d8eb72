// How does the editor look? As the pages do: its colours are theirs, in both themes.
import { EditorView } from "@codemirror/view";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { tags } from "@lezer/highlight";

const look = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--panel)", fontSize: ".93rem" },
  "&.cm-focused": { outline: "3px solid var(--mark)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5", maxHeight: "min(70vh, 44rem)" },
  ".cm-content": { caretColor: "var(--ink)", padding: ".5rem 0" },
  ".cm-content, .cm-gutter": { minHeight: "var(--least, 9rem)" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--ink)", borderLeftWidth: "2px" },
  ".cm-gutters": { backgroundColor: "var(--wash)", color: "var(--soft)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--wash) 55%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "transparent", color: "var(--ink)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground, ::selection": {
    backgroundColor: "light-dark(#cfe2f5, #2a4d71) !important",
  },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--wash)", outline: "1px solid var(--strong-line)" },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "var(--bad-wash)", outline: "1px solid var(--bad)" },
  ".cm-searchMatch": { backgroundColor: "var(--warn-wash)", outline: "1px solid var(--mark)" },
  ".cm-searchMatch-selected": { backgroundColor: "light-dark(#f5d9a8, #6b4d16)" },
  ".cm-selectionMatch": { backgroundColor: "var(--wash)" },
  ".cm-placeholder": { color: "var(--soft)" },

  ".cm-panels": { backgroundColor: "var(--wash)", color: "var(--ink)", fontFamily: "var(--sans)" },
  ".cm-panels.cm-panels-bottom": { borderTop: "1px solid var(--line)" },
  ".cm-panel.cm-search": { padding: ".4rem 2rem .4rem .6rem" },
  ".cm-panel.cm-search label": { fontSize: ".88rem" },
  ".cm-textfield": { fontSize: ".9rem", color: "var(--ink)", backgroundColor: "var(--panel)", border: "1px solid var(--strong-line)", borderRadius: "var(--radius)", padding: ".2rem .4rem" },
  ".cm-button": { fontSize: ".88rem", color: "var(--link)", backgroundColor: "var(--panel)", backgroundImage: "none", border: "1px solid var(--strong-line)", borderRadius: "var(--radius)", padding: ".15rem .6rem" },
  ".cm-panel.cm-search [name=close]": { fontSize: "1.3rem", color: "var(--ink)", minWidth: "24px", minHeight: "24px" },

  ".cm-tooltip": { backgroundColor: "var(--panel)", color: "var(--ink)", border: "1px solid var(--strong-line)", borderRadius: "var(--radius)", boxShadow: "0 4px 16px rgb(0 0 0 / .22)", fontFamily: "var(--sans)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--sans)", fontSize: ".93rem", maxHeight: "19rem", minWidth: "min(24rem, 70vw)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: ".22rem .6rem", minHeight: "24px", display: "flex", gap: ".7rem", alignItems: "baseline", borderLeft: "3px solid transparent" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--wash)", color: "var(--ink)", borderLeftColor: "var(--mark)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > completion-section": { display: "block", padding: ".25rem .75rem .1rem", color: "var(--soft)", fontSize: ".82rem", fontWeight: "600", borderBottom: "1px solid var(--line)", opacity: "1" },
  ".cm-completionLabel": { fontFamily: "var(--mono)", fontSize: ".88em", whiteSpace: "nowrap" },
  ".cm-completionDetail": { fontStyle: "normal", color: "var(--soft)", marginLeft: "auto", paddingLeft: "1rem", whiteSpace: "nowrap", overflow: "hidden", textOverflow: "ellipsis", maxWidth: "19rem" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
  ".cm-tooltip.cm-completionInfo": { padding: ".5rem .7rem", maxWidth: "22rem", fontSize: ".9rem" },
  // Beside the list there is no room on a narrow screen, and over it it hides the rest.
  "@media (max-width: 40rem)": { ".cm-tooltip.cm-completionInfo": { display: "none" } },
  ".cm-tooltip-hover": { maxWidth: "26rem" },
  ".told": { padding: ".45rem .7rem", fontSize: ".92rem", lineHeight: "1.4" },
  ".about p": { margin: "0 0 .2rem" },
  ".about small": { color: "var(--soft)" },
  ".told p": { margin: ".15rem 0" },
  ".told code": { fontFamily: "var(--mono)", fontSize: ".86em", color: "var(--soft)" },
  ".told small": { color: "var(--soft)" },
  ".told a": { color: "var(--link)" },
  ".cm-diagnostic": { padding: ".35rem .7rem", fontSize: ".92rem", borderLeftWidth: "4px" },
  ".cm-diagnosticAction": { fontFamily: "var(--sans)", fontSize: ".9em", color: "var(--link)", backgroundColor: "var(--panel)", border: "1px solid var(--strong-line)", borderRadius: "var(--radius)", padding: ".1rem .5rem", minHeight: "24px", marginLeft: ".4rem" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--mark)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad) 1.5px", textUnderlineOffset: "3px", backgroundColor: "var(--bad-wash)" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--mark) 1.5px", textUnderlineOffset: "3px" },
  ".cm-lintPoint::after": { borderBottomColor: "var(--bad)" },
  ".cm-lint-marker-error": { content: "none" },
  ".cm-gutter-lint": { width: "1.1em" },
  ".cm-gutter-lint .cm-gutterElement": { padding: "0 .15em" },
  ".cm-lint-marker": { width: ".62em", height: ".62em", marginTop: ".45em", borderRadius: "50%", border: "2px solid var(--bad)", backgroundColor: "var(--bad)" },
  ".cm-lint-marker-warning": { content: "none", borderColor: "var(--mark)", backgroundColor: "transparent", borderRadius: "0" },
});

/* Told apart by weight and slant as well, for those who see few colours. */
const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--series-1)", fontWeight: "700" },
  { tag: tags.typeName, color: "var(--series-1)" },
  { tag: tags.variableName, color: "var(--series-2)" },
  { tag: tags.propertyName, color: "var(--ink)" },
  { tag: tags.url, color: "var(--ink)", textDecoration: "underline", textDecorationColor: "var(--line)" },
  { tag: tags.string, color: "var(--series-3)" },
  { tag: tags.number, color: "var(--series-4)" },
  { tag: tags.annotation, color: "var(--series-4)" },
  { tag: tags.comment, color: "var(--soft)", fontStyle: "italic" },
  { tag: [tags.operator, tags.punctuation, tags.bracket], color: "var(--soft)" },
  { tag: tags.invalid, color: "var(--ink)" },
]);

export const theme = [look, syntaxHighlighting(colours)];
