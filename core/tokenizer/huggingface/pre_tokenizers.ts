/** The pre-tokenizers of a `tokenizer.json`: they cut a text into parts that no piece may cross. */
import { toByteCharacters } from "../byte_level.ts";
import { SPACE_MARK } from "../bytes.ts";
import { SPACE_CLASS, WORD_CLASS } from "./classes.ts";
import { matchesOf } from "./patterns.ts";
import type { JsonNode } from "./schema.ts";

/**
 * Cuts one part. `first`: whether it is at the start of the whole text. If the first result is empty, the start was removed.
 */
export type CutStep = (part: string, first: boolean) => string[];

/** What happens to the matches of a pattern when a text is cut at them. */
type Behaviour = "removed" | "isolated" | "mergedwithprevious" | "mergedwithnext" | "contiguous";

const WORDS = new RegExp(`[${WORD_CLASS}]+|[^${WORD_CLASS}${SPACE_CLASS}]+`, "gu");
const NO_SPACES = new RegExp(`[^${SPACE_CLASS}]+`, "gu");
/** GPT-2's words: a text is cut between them. */
const GPT2_WORDS = new RegExp(
  `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^${SPACE_CLASS}\\p{L}\\p{N}]+|[${SPACE_CLASS}]+(?![^${SPACE_CLASS}])|[${SPACE_CLASS}]+`,
  "gu",
);
const PUNCTUATION = /[\p{P}$+<=>^`|~]/gu;

/** Cuts a text at the matches of a pattern. An empty match cuts, too. */
function split(text: string, { pattern, behaviour, invert }: {
  pattern: RegExp;
  behaviour: Behaviour;
  invert: boolean;
}): string[] {
  const spans: { text: string; match: boolean }[] = [];
  let at = 0;
  for (const [start, end] of matchesOf(pattern, text)) {
    if (start > at) spans.push({ text: text.slice(at, start), match: invert });
    spans.push({ text: text.slice(start, end), match: !invert });
    at = end;
  }
  if (at < text.length) spans.push({ text: text.slice(at), match: invert });
  if (behaviour === "removed") {
    return spans.flatMap((span, i) => span.match ? (i === 0 ? [""] : []) : [span.text]);
  }
  const parts: string[] = [];
  for (const [i, span] of spans.entries()) {
    const before = spans[i - 1];
    const joins = before !== undefined && (behaviour === "mergedwithprevious" && span.match && !before.match ||
      behaviour === "mergedwithnext" && !span.match && before.match ||
      behaviour === "contiguous" && span.match === before.match);
    if (joins) parts[parts.length - 1] += span.text;
    else parts.push(span.text);
  }
  return parts;
}

/** The matches of a pattern; what is between them is removed. */
function matchesIn(part: string, pattern: RegExp): string[] {
  const found = part.match(pattern) ?? [];
  return part.startsWith(found[0] ?? "") ? found : ["", ...found];
}

function metaspace(node: JsonNode): CutStep {
  const mark = node.get("replacement").text(SPACE_MARK), cuts = node.get("split").flag(true);
  const always = node.get("add_prefix_space").flag(true) ? "always" : "never";
  const scheme = node.get("prepend_scheme").text(always);
  if (mark.length === 0) throw node.get("replacement").error("wrong value", "one character");
  const pattern = new RegExp(RegExp.escape(mark), "gu");
  return (part, first) => {
    let text = part.replaceAll(" ", mark);
    const prepend = scheme === "always" || scheme === "first" && first;
    if (prepend && !text.startsWith(mark)) text = mark + text;
    return cuts ? split(text, { pattern, behaviour: "mergedwithnext", invert: false }) : [text];
  };
}

function byteLevel(node: JsonNode): CutStep {
  const prefixes = node.get("add_prefix_space").flag(true), cuts = node.get("use_regex").flag(true);
  return (part) => {
    const text = prefixes && !part.startsWith(" ") ? ` ${part}` : part;
    return (cuts ? text.match(GPT2_WORDS) ?? [] : [text]).map(toByteCharacters);
  };
}

/** Reads a pre-tokenizer, null for none. @throws {HymbaError} on kinds that Unigram tokenizers do not use. */
export function readPreTokenizer(node: JsonNode): CutStep {
  if (node.missing) return (part) => [part];
  const kind = node.object().get("type").text();
  switch (kind) {
    case "Sequence": {
      const steps = node.get("pretokenizers").map(readPreTokenizer);
      return (part, first) => {
        return steps.reduce((parts, step) => {
          return parts.flatMap((text, i) => text === "" ? [text] : step(text, first && i === 0));
        }, [part]);
      };
    }
    case "Metaspace":
      return metaspace(node);
    case "ByteLevel":
      return byteLevel(node);
    case "Whitespace":
      return (part) => matchesIn(part, WORDS);
    case "WhitespaceSplit":
      return (part) => matchesIn(part, NO_SPACES);
    case "Split":
    case "Punctuation":
    case "Digits":
      return readSplit(node, kind);
    default:
      throw node.get("type").error(`pre-tokenizer ${kind} is not supported`);
  }
}

function readSplit(node: JsonNode, kind: "Split" | "Punctuation" | "Digits"): CutStep {
  let pattern = PUNCTUATION;
  if (kind === "Split") pattern = node.get("pattern").pattern();
  if (kind === "Digits") pattern = node.get("individual_digits").flag(false) ? /\p{N}/gu : /\p{N}+/gu;
  const name = kind === "Digits" ? "isolated" : node.get("behavior").text("Isolated").toLowerCase();
  const known: Behaviour[] = ["removed", "isolated", "mergedwithprevious", "mergedwithnext", "contiguous"];
  const behaviour = known.find((behaviour) => behaviour === name);
  if (!behaviour) throw node.get("behavior").error("wrong value", known.join(", "));
  const invert = kind === "Split" && node.get("invert").flag(false);
  return (part) => split(part, { pattern, behaviour, invert });
}
