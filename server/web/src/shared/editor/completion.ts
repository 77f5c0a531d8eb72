// What is offered while somebody writes a query?
import {
  snippet,
  startCompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
  type CompletionSection,
} from "@codemirror/autocomplete";
import type { EditorView } from "@codemirror/view";
import { findNames } from "../names";
import { complete, loadTerms, type Term, type Terms } from "./graph";
import { findPlace, type Place } from "./place";
import { FUNCTIONS, KEYWORDS } from "./words";

/** The words of the interface, by key, in the language of the page. */
export type Say = (key: string) => string;

const MOST = 60;
/** Milliseconds that the list waits for what fits into the pattern. */
const PATIENCE = 450;
const EXTERNAL = /^(?:rdf|rdfs|owl|xsd|sh|skos|dcterms|prov|oa|geo|sf|dcat|void|cito|fabio|bibo|schema|org|foaf|eli|edtf|wd|wdt|ps?v?|pqv?|wikibase|spex|vann|sd|time|pen|pensh|ontology|graph|vocabulary)$/;

interface Offer extends Completion {
  score: number;
}

/** Return how well `typed` fits, 0 where it does not. */
export function fit(typed: string, name: string, label = ""): number {
  const text = typed.toLowerCase();
  if (!text) return 1;
  const [full, said] = [name.toLowerCase(), label.toLowerCase()];
  const local = name.slice(name.indexOf(":") + 1);
  if (full.startsWith(text)) return 100;
  if (said.startsWith(text)) return 85;
  if (local.toLowerCase().startsWith(text)) return 90;
  if (` ${said}`.includes(` ${text}`)) return 80;
  const part = text.slice(text.indexOf(":") + 1);
  const isOfPrefix = !text.includes(":") || full.startsWith(text.slice(0, text.indexOf(":") + 1));
  if (!isOfPrefix || !part) return 0;
  const humps = local.replace(/([a-z\d])([A-Z])/g, "$1 $2").toLowerCase().split(/[\s_-]/);
  if (humps.some((hump) => hump.startsWith(part))) return 75;
  if (local.toLowerCase().includes(part)) return 50;
  return said.includes(part) && part.length > 2 ? 40 : 0;
}

/** Return what is told beside an offer. */
function tell(term: Term, say: Say, isOfGraph = false): Node {
  const told = document.createElement("div");
  told.className = "about";
  const head = document.createElement("p");
  const label = document.createElement("b");
  label.textContent = term.label ?? term.name;
  head.append(label);
  if (term.kind) head.append(` (${term.kind})`);
  told.append(head);
  if (term.definition) {
    const text = document.createElement("p");
    text.textContent = term.definition;
    told.append(text);
  }
  if (isOfGraph && term.count) {
    const count = document.createElement("small");
    count.textContent = `${term.count.toLocaleString(document.documentElement.lang)} × ${say("used")}`;
    told.append(count);
  }
  return told;
}

/** In which order the parts of the list stand: what is likely at such a place comes first. */
const ORDERS: Readonly<Record<string, readonly string[]>> = {
  between: ["fits", "classes", "properties", "variables", "things", "prefixes", "functions", "keywords"],
  expression: ["variables", "functions", "keywords", "things", "prefixes", "classes", "properties", "fits"],
  clause: ["keywords", "functions", "variables", "things", "prefixes", "classes", "properties", "fits"],
};

export class Completer {
  private readonly orders: Record<string, Record<string, CompletionSection>>;

  constructor(private readonly say: Say) {
    this.orders = Object.fromEntries(
      Object.entries(ORDERS).map(([name, keys]) => [
        name,
        Object.fromEntries(keys.map((key, rank) => [key, { name: say(key), rank }])),
      ]),
    );
  }

  private section(key: string, place: Place): CompletionSection {
    const isBetween = ["property", "class", "value"].includes(place.role);
    return this.orders[isBetween ? "between" : place.role === "expression" ? "expression" : "clause"]![key]!;
  }

  /** The source of everything but the things that are found by name. */
  readonly source = async (context: CompletionContext): Promise<CompletionResult | null> => {
    const services = await this.services(context);
    if (services) return services;
    const place = findPlace(context.state.doc.toString(), context.pos);
    if (place.role === "none") return null;
    const isBetween = ["property", "class", "value"].includes(place.role);
    if (!place.typed && !context.explicit && !isBetween) return null;
    const terms = await loadTerms().catch((): Terms => ({ classes: [], properties: [], prefixes: {} }));
    const offers: Offer[] = [];
    const offered = new Set<string>();
    const add = (offer: Offer): void => {
      if (offer.score <= 0 || offered.has(offer.label)) return;
      offered.add(offer.label);
      offers.push(offer);
    };
    for (const term of await this.fitting(place, context)) this.addTerm(add, term, place, "fits");
    if (!place.typed && !context.explicit && !offers.length) return null;
    this.addVariables(add, place);
    if (!place.typed.startsWith("?") && !place.typed.startsWith("$")) {
      this.addVocabulary(add, place, terms);
      await this.addPrefixed(add, place, terms);
      this.addPrefixes(add, place, terms);
      this.addWords(add, place);
    }
    if (context.aborted || !offers.length) return null;
    const best = new Map<CompletionSection, Offer[]>();
    for (const offer of offers) {
      const section = offer.section as CompletionSection;
      best.set(section, [...(best.get(section) ?? []), offer]);
    }
    const options = [...best.values()].flatMap((list) =>
      list.sort((a, b) => b.score - a.score).slice(0, MOST),
    );
    return { from: place.from, options, filter: false };
  };

  /** What can be asked behind SERVICE; null elsewhere. */
  private async services(context: CompletionContext): Promise<CompletionResult | null> {
    const written = context.matchBefore(/\bSERVICE\s+(?:SILENT\s+)?<?[^\s<>{]*/i);
    const typed = written && /<?[^\s<>{]*$/.exec(written.text)?.[0];
    if (!written || typed === null || typed === undefined) return null;
    const from = context.pos - typed.length;
    const before = findPlace(context.state.doc.toString(), from - 1);
    if (before.role === "none") return null; // a comment, or a string
    const terms = await loadTerms().catch((): Terms => ({ classes: [], properties: [], prefixes: {} }));
    const sought = typed.replace(/^<(?:peninsula:)?/i, "").toLowerCase();
    // What is changed in an IRI that is whole is changed to its end.
    const isClosed = context.state.sliceDoc(context.pos, context.pos + 1) === ">";
    const options = (terms.services ?? [])
      .filter((service) => service.name.includes(sought))
      .map((service): Completion => ({
        label: `<peninsula:${service.name}>`,
        detail: service.address ?? "",
        section: this.orders["between"]!["fits"]!,
        apply: (view, completion, start, end) =>
          insert(view, `${completion.label} `, start, end + (isClosed ? 1 : 0)),
      }));
    return options.length ? { from, options, filter: false } : null;
  }

  /** The source of things by their labels: what is said becomes what is written. */
  readonly names = async (context: CompletionContext): Promise<CompletionResult | null> => {
    const place = findPlace(context.state.doc.toString(), context.pos);
    const isThing = ["subject", "value", "expression"].includes(place.role);
    if (!isThing || place.typed.length < 2 || /[:?$]/.test(place.typed)) return null;
    const stop = new AbortController();
    context.addEventListener("abort", () => stop.abort());
    let found;
    try {
      found = await findNames(place.typed, { limit: 12, signal: stop.signal });
    } catch {
      return null; // the next letter asks again
    }
    // What fits the pattern is offered there already.
    const fits = (await this.fitting(place, context)).filter((term) => fit(place.typed, term.name, term.label));
    const left = found.filter((thing) => !fits.some((term) => term.iri === thing.iri));
    if (!left.length) return null;
    const options = left.map((thing): Completion => {
      const name = /^[\w-]+:[\w-]+$/u.test(thing.name) ? thing.name : `<${thing.iri}>`;
      const term = { name, label: thing.label, kind: thing.class };
      return {
        label: name,
        displayLabel: thing.label,
        detail: `${name} · ${thing.class}`,
        section: this.section("things", place),
        info: () => tell(term, this.say),
      };
    });
    return { from: place.from, options, filter: false };
  };

  private async fitting(place: Place, context: CompletionContext): Promise<Term[]> {
    const isKnown = place.role === "value" ? place.predicate : place.pattern || /^[^?$]/.test(place.subject);
    if (!["property", "class", "value"].includes(place.role) || !place.subject || !isKnown) return [];
    if (/^[?$]/.test(place.typed)) return [];
    const asked = complete({
      position: place.role,
      subject: place.subject,
      predicate: place.role === "class" ? "" : place.predicate,
      pattern: place.pattern,
      prologue: place.prologue,
      inverse: place.isInverse ? "true" : "",
    });
    let isLate = false;
    const late = new Promise<Term[]>((resolve) => {
      setTimeout(() => {
        isLate = true;
        resolve([]);
      }, PATIENCE);
    });
    void asked.then((found) => {
      // It comes late: the list is made anew with it, if it is still wanted.
      if (isLate && found.length && !context.aborted && context.view) startCompletion(context.view);
    });
    return Promise.race([asked, late]);
  }

  private addTerm(
    add: (offer: Offer) => void, term: Term, place: Place, section: string, bonus = 0,
  ): void {
    const name = section === "fits" && term.name === "rdf:type" ? "a" : write(term.name, place);
    const isLiteral = !term.iri;
    const score = fit(place.typed, name, term.label ?? "");
    const count = term.count ? term.count.toLocaleString(document.documentElement.lang) : "";
    const said = term.label && term.label !== term.name ? term.label : "";
    add({
      label: name,
      detail: [said, count].filter(Boolean).join(" · "),
      section: this.section(section, place),
      // What is ours comes before what it is aligned to; what is used, before what is not.
      score: score && score + bonus + (term.name.startsWith("pen:") ? 2 : 0) + 4 * Math.log10(1 + (term.count ?? 0)),
      ...(isLiteral ? {} : { info: () => tell(term, this.say, section !== "fits") }),
    });
  }

  private addVariables(add: (offer: Offer) => void, place: Place): void {
    if (place.role === "prologue") return;
    const text = place.typed.replace(/^[?$]/, "").toLowerCase();
    if (!/^[?$]/.test(place.typed) && !text && place.role !== "value") return;
    for (const variable of place.variables) {
      const name = variable.slice(1).toLowerCase();
      const score = name.startsWith(text) ? 60 : name.includes(text) ? 30 : 0;
      if (place.role === "property" && !/^[?$]/.test(place.typed)) continue;
      add({ label: variable, section: this.section("variables", place), score });
    }
  }

  private addVocabulary(add: (offer: Offer) => void, place: Place, terms: Terms): void {
    const { role } = place;
    const isAny = ["value", "expression"].includes(role) && /[:]/.test(place.typed);
    if (role === "class" || isAny) {
      for (const term of terms.classes) this.addTerm(add, term, place, "classes");
    }
    if (role === "property" || isAny) {
      if (role === "property") {
        const detail = this.say("is-a");
        add({ label: "a", detail, section: this.section("properties", place), score: fit(place.typed, "a", "is a") });
      }
      for (const term of terms.properties) this.addTerm(add, term, place, "properties");
    }
  }

  /** Things under a prefix, as state:Rus… */
  private async addPrefixed(add: (offer: Offer) => void, place: Place, terms: Terms): Promise<void> {
    const [prefix, text] = place.typed.split(":", 2);
    if (text === undefined || !prefix || place.role === "property" || place.role === "class") return;
    const known = meant(prefix, place, terms);
    if (!known || EXTERNAL.test(known)) return;
    // All of a short list are asked for at once, and narrowed here.
    const found = await complete({ prefix: known, text: text.slice(0, 40) });
    for (const term of found) {
      const name = known === prefix ? term.name : term.name.replace(`${known}:`, `${prefix}:`);
      const label = fit(text, name, term.label) || 5;
      add({
        label: name,
        detail: [term.label, term.kind].filter(Boolean).join(" · "),
        section: this.section("things", place),
        score: label,
        info: () => tell(term, this.say),
      });
    }
  }

  private addPrefixes(add: (offer: Offer) => void, place: Place, terms: Terms): void {
    if (!place.typed || /[:\s]/.test(place.typed) || ["clause", "prologue"].includes(place.role)) return;
    for (const [prefix, iri] of Object.entries(terms.prefixes)) {
      if (!prefix.startsWith(place.typed.toLowerCase())) continue;
      add({
        label: `${prefix}:`,
        detail: iri.replace(/^https?:\/\//, ""),
        section: this.section("prefixes", place),
        score: prefix === place.typed ? 90 : 50 - prefix.length,
        apply: (view, completion, from, to) => {
          insert(view, completion.label, from, to);
          startCompletion(view);
        },
      });
    }
  }

  private addWords(add: (offer: Offer) => void, place: Place): void {
    const typed = place.typed.toUpperCase();
    if (!typed || ["property", "class"].includes(place.role)) return;
    if (place.role !== "prologue") {
      for (const [word, [takes, what]] of Object.entries(FUNCTIONS)) {
        if (!word.startsWith(typed)) continue;
        add({
          label: word,
          detail: what,
          section: this.section("functions", place),
          score: (place.role === "expression" ? 60 : 20) - word.length / 10,
          info: `${word}${takes}`,
          apply: takes === "()" ? `${word}()` : snippet(`${word}(\${})`),
        });
      }
    }
    if (place.role === "value") return;
    for (const [word, what] of Object.entries(KEYWORDS)) {
      if (!word.startsWith(typed)) continue;
      add({
        label: word,
        detail: what,
        section: this.section("keywords", place),
        score: 50 - word.length / 10,
        apply: `${word} `,
      });
    }
  }
}

function insert(view: EditorView, text: string, from: number, to: number): void {
  view.dispatch({
    changes: { from, to, insert: text },
    selection: { anchor: from + text.length },
    userEvent: "input.complete",
  });
}

/** Return which of our prefixes is meant by one of the query, which may declare its own. */
function meant(prefix: string, place: Place, terms: Terms): string {
  const declared = new RegExp(`^PREFIX ${prefix.replace(/[.-]/g, "\\$&")}: <(.*)>$`, "m").exec(place.prologue)?.[1];
  if (declared === undefined) return prefix in terms.prefixes ? prefix : "";
  return Object.keys(terms.prefixes).find((known) => terms.prefixes[known] === declared) ?? "";
}

/** Return a name of ours as the query writes it, which may call the namespace something else. */
function write(name: string, place: Place): string {
  const typed = /^([\w-]+):/.exec(place.typed)?.[1];
  const prefix = /^([\w-]+):/.exec(name)?.[1];
  if (!typed || !prefix || typed === prefix || !place.prologue) return name;
  const declared = new RegExp(`^PREFIX ${typed}: <(.*)>$`, "m").exec(place.prologue)?.[1];
  return declared && declared === namespaces?.[prefix] ? name.replace(`${prefix}:`, `${typed}:`) : name;
}

let namespaces: Record<string, string> | undefined;
void loadTerms().then((terms) => (namespaces = terms.prefixes), () => undefined);
