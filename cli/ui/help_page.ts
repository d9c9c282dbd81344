/** The help of a command as text that fits one screen. */
import type { DocEntry, DocPage, DocSection } from "@optique/core/doc";
import { formatMessage, type Message } from "@optique/core/message";
import type { Usage, UsageTerm } from "@optique/core/usage";
import { wrap } from "../../core/report/text_table.ts";
import { bold } from "./color.ts";
import { GLOBAL_FLAGS } from "./settings.ts";

/** The default size of a terminal. */
export const SCREEN = { lines: 24, columns: 80 };

/** Widest left column of a list of options. */
const termWidth = (columns: number): number => Math.min(26, Math.floor(columns / 3));

export interface PageOptions {
  /** Every option with its whole description, of any length. */
  readonly all: boolean;
  readonly columns: number;
  readonly color: boolean;
}

const plain = (message: Message | undefined): string =>
  message ? formatMessage(message, { colors: false, quotes: false }) : "";

/** A value's name on a page: of long alternatives only the first ones. */
function shortMetavar(metavar: string, { all, room }: { all: boolean; room: number }): string {
  if (all || metavar.length <= room || !metavar.includes("|")) return metavar;
  const parts = metavar.split("|");
  let kept = 1;
  while (parts.slice(0, kept + 1).join("|").length + 2 <= room) kept++;
  return `${parts.slice(0, kept).join("|")}|…`;
}

function termText(term: UsageTerm, { all, columns }: Pick<PageOptions, "all" | "columns">): string {
  if (term.type === "command") return term.name;
  if (term.type === "argument") return term.metavar;
  if (term.type !== "option") return "";
  const names = term.names.toSorted((a, b) => a.length - b.length).join(", ");
  return term.metavar
    ? `${names} ${shortMetavar(term.metavar, { all, room: termWidth(columns) - names.length - 1 })}`
    : names;
}

/** The start of a description that fits into a line: whole clauses if these are long enough, else cut. */
function inOneLine(text: string, room: number): string {
  if (text.length <= room) return text;
  const clause = text.slice(0, room + 1).split(/(?<=[^,;.:]{12,})[;:.] |, /)[0] ?? text;
  return clause.length <= room && clause.length > 0.3 * room ? clause : `${text.slice(0, room - 1).trimEnd()}…`;
}

/** The two columns of a section. */
function entryLines(entries: readonly DocEntry[], { all, columns }: PageOptions): string[] {
  const terms = entries.map(({ term }) => termText(term, { all, columns }));
  const width = Math.min(termWidth(columns), Math.max(...terms.map((term) => term.length)));
  return entries.flatMap((entry, i) => {
    const term = terms[i] ?? "", text = plain(entry.description), room = Math.max(16, columns - width - 4);
    const lines = all ? wrap(text, { width: room }) : [inOneLine(text, room)];
    const indent = " ".repeat(width + 4);
    if (term.length > width) return [`  ${term}`, ...lines.map((line) => indent + line)];
    return lines.map((line, n) => n === 0 ? `  ${term.padEnd(width)}  ${line}`.trimEnd() : indent + line);
  });
}

function titled({ title, entries }: DocSection, color: boolean): string {
  const usual = entries.some(({ term }) => term.type === "command") ? "Commands" : "Options";
  return bold(`${title ?? usual}:`, color);
}

const sectionLines = (section: DocSection, options: PageOptions): string[] => [
  "",
  titled(section, options.color),
  ...entryLines(section.entries, options),
];

/** The arguments of a command, as its usage line has them: `[STUDY]`, `RUN...`. */
function argumentWords(usage: Usage, { optional = false, many = false } = {}): string[] {
  return usage.flatMap((term): string[] => {
    if (term.type === "argument") {
      const word = `${term.metavar}${many ? "..." : ""}`;
      return [optional ? `[${word}]` : word];
    }
    if (term.type === "optional") return argumentWords(term.terms, { optional: true, many });
    if (term.type === "multiple") {
      return argumentWords(term.terms, { optional: optional || term.min === 0, many: true });
    }
    return term.type === "sequence" ? argumentWords(term.terms, { optional, many }) : [];
  });
}

/** The usage line: the words of a command, its arguments and `[options]`. */
function usageLine(name: string, { usage = [], sections }: DocPage): string {
  const types = sections.flatMap(({ entries }) => entries.map(({ term }) => term.type));
  const words = types.includes("command") ? ["COMMAND"] : argumentWords(usage);
  return ["hymba", name, ...words, ...(types.includes("option") ? ["[OPTIONS]"] : [])].join(" ");
}

/** Names only, for options that do not fit on the page. */
function foldedLines(sections: readonly DocSection[], { name, columns }: { name: string; columns: number }): string[] {
  const names = sections.flatMap(({ entries }) =>
    entries.map(({ term }) => term.type === "option" ? term.names[0] ?? "" : termText(term, { all: false, columns }))
  );
  if (names.length === 0) return [];
  return ["", ...wrap(`More (hymba ${name} --help-all): ${names.join(" ")}`, { width: columns, indent: "  " })];
}

/** The line about the flags that every command has. */
const globalLines = ({ all, columns }: PageOptions): string[] =>
  all
    ? ["", "Every command:", ...GLOBAL_FLAGS.map(([flags, meaning]) => `  ${flags.padEnd(16)}  ${meaning}`)]
    : ["", ...wrap("Every command: -h --help-all -V --quiet --verbose --no-progress --color WHEN", { width: columns })];

/** A description without its example, and the example. */
function parted(description: string): { text: string; example: string } {
  const [text = "", example = ""] = description.split(/\s*Example: /);
  return { text, example };
}

/** As many whole sentences as fit into some lines. */
function sentences(text: string, { lines, columns }: { lines: number; columns: number }): string[] {
  const all = text.split(/(?<=\.) (?=[A-Z])/);
  for (let count = all.length; count > 0; count--) {
    const found = wrap(all.slice(0, count).join(" "), { width: columns });
    if (found.length <= lines || count === 1) return found;
  }
  return [];
}

/** Arguments before options. */
const argumentsFirst = (entries: readonly DocEntry[]): DocEntry[] => [
  ...entries.filter(({ term }) => term.type === "argument"),
  ...entries.filter(({ term }) => term.type !== "argument"),
];

/** The sections that are not empty. Those without a title are joined. */
function ordered(sections: readonly DocSection[]): DocSection[] {
  const loose = sections.filter(({ title }) => !title).flatMap(({ entries }) => entries);
  const first = sections.find(({ title }) => title) !== undefined && loose.length > 0;
  const own = loose.length > 0 ? [{ ...(first && { title: "Options" }), entries: loose }] : [];
  const all = [...own, ...sections.filter(({ title }) => title)];
  return all.filter(({ entries }) => entries.length > 0)
    .map((section) => ({ ...section, entries: argumentsFirst(section.entries) }));
}

/**
 * The page of a command. Without `all` it fits a screen of 24 lines: each option has one line, and sections that have no room are
 * named only. `name`: the words of the command.
 */
export function helpPage(name: string, page: DocPage, options: PageOptions): string {
  const { all, columns } = options,
    sections = ordered(page.sections),
    { text, example } = parted(plain(page.description));
  const head = [
    usageLine(name, page),
    "",
    ...(all ? wrap(text, { width: columns }) : sentences(text, { lines: 3, columns })),
  ];
  const tail = [
    ...(example ? ["", ...wrap(`Example: ${example}`, { width: columns, indent: "  " })] : []),
    ...globalLines(options),
  ];
  if (all) return [...head, ...sections.flatMap((section) => sectionLines(section, options)), ...tail].join("\n");
  for (let shown = sections.length; shown > 0; shown--) {
    const body = sections.slice(0, shown).flatMap((section) => sectionLines(section, options));
    const lines = [...head, ...body, ...foldedLines(sections.slice(shown), { name, columns }), ...tail];
    if (lines.length <= SCREEN.lines) return lines.join("\n");
  }
  return withoutRoom(head, sections, { name, tail, options });
}

/** A page whose first section alone is too long: its first options, and the names of all others. */
function withoutRoom(
  head: readonly string[],
  [first, ...rest]: readonly DocSection[],
  { name, tail, options }: { name: string; tail: readonly string[]; options: PageOptions },
): string {
  for (let shown = first?.entries.length ?? 0;; shown--) {
    const own = { ...first, entries: first?.entries.slice(0, shown) ?? [] };
    const others = { entries: first?.entries.slice(shown) ?? [] };
    const folded = foldedLines([others, ...rest], { name, columns: options.columns });
    const lines = [...head, ...sectionLines(own, options), ...folded, ...tail];
    if (lines.length <= SCREEN.lines || shown <= 1) return lines.join("\n");
  }
}
