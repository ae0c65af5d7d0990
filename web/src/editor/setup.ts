import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import {
  bracketMatching,
  foldGutter,
  foldKeymap,
  HighlightStyle,
  indentOnInput,
  indentUnit,
  LanguageDescription,
  syntaxHighlighting,
} from "@codemirror/language";
import { languages } from "@codemirror/language-data";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import {
  crosshairCursor,
  drawSelection,
  dropCursor,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  rectangularSelection,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

const COLOURS = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "light-dark(#a626a4, #d7a1f0)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: "light-dark(#1f6b2c, #9bd8a2)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "light-dark(#8f4a00, #f0b775)" },
  { tag: [tags.comment, tags.meta], color: "light-dark(#5c6370, #9aa3b2)", fontStyle: "italic" },
  { tag: [tags.typeName, tags.className, tags.namespace], color: "light-dark(#7a4f00, #e6cf8b)" },
  { tag: [tags.definition(tags.variableName), tags.function(tags.variableName)], color: "light-dark(#1c4fb5, #8fbcff)" },
  { tag: [tags.propertyName, tags.attributeName, tags.labelName], color: "light-dark(#1b5c70, #8ed4e0)" },
  { tag: [tags.tagName, tags.heading], color: "light-dark(#b02a37, #ff9d9d)" },
  { tag: tags.heading, fontWeight: "600" },
  { tag: tags.emphasis, fontStyle: "italic" },
  { tag: tags.strong, fontWeight: "600" },
  { tag: tags.strikethrough, textDecoration: "line-through" },
  { tag: [tags.link, tags.url], color: "light-dark(#1c4fb5, #8fbcff)", textDecoration: "underline" },
  { tag: tags.invalid, color: "light-dark(#b02a37, #ff9d9d)" },
]);

const LOOK = {
  "&": { height: "100%", fontSize: "13px", backgroundColor: "transparent" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mantine-font-family-monospace)", lineHeight: "1.5" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--mantine-color-dimmed)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "light-dark(#0000000a, #ffffff0a)" },
  ".cm-panels": {
    backgroundColor: "var(--surface)",
    color: "inherit",
    borderColor: "var(--line)",
    fontFamily: "var(--mantine-font-family)",
  },
};

const LIGHT = EditorView.theme(LOOK);
const DARK = EditorView.theme(LOOK, { dark: true });

/** What may change while an editor is open, each in its place. */
export const parts = {
  scheme: new Compartment(),
  wrap: new Compartment(),
  writable: new Compartment(),
  language: new Compartment(),
};

/** The colours around the text. */
export function scheme(dark: boolean): Extension {
  return dark ? DARK : LIGHT;
}

/** Whether the text can be changed. It can be focused, selected and searched in all the same. */
export function writable(yes: boolean): Extension {
  return EditorState.readOnly.of(!yes);
}

/** Whether long lines are wrapped. */
export function wrapping(yes: boolean): Extension {
  return yes ? EditorView.lineWrapping : [];
}

/** The grammar for a file of that name; it is fetched only when it is needed. Nothing when none is known, or it is not to be had. */
export async function languageOf(name: string): Promise<Extension> {
  const found = LanguageDescription.matchFilename(languages, name);
  // Without colours, a text is readable.
  return found?.load().catch(() => []) ?? [];
}

/** What all editors have. `label` is for those who do not see them. */
export function basics(label: string): Extension {
  return [
    EditorView.cspNonce.of(document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? ""),
    EditorView.contentAttributes.of({ "aria-label": label, "aria-description": "Escape, then Tab, leaves the editor" }),
    syntaxHighlighting(COLOURS),
    indentUnit.of("  "),
    [lineNumbers(), foldGutter(), highlightActiveLine(), highlightActiveLineGutter(), highlightSpecialChars()],
    [history(), drawSelection(), dropCursor(), rectangularSelection(), crosshairCursor()],
    [indentOnInput(), bracketMatching(), closeBrackets(), autocompletion(), highlightSelectionMatches(), search({ top: true })],
    EditorState.allowMultipleSelections.of(true),
    keymap.of([
      ...closeBracketsKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...foldKeymap,
      ...completionKeymap,
      ...defaultKeymap,
      indentWithTab,
    ]),
  ];
}
