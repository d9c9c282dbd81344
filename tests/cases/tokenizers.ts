/** Kinds that concern tokenizers and their files. */
import { Tokenizer } from "../../core/tokenizer/mod.ts";
import { hymba } from "../cli/command_line.ts";
import { called, given, type Kind, letterFile, pieces, piped, type Ready, seen, withToken } from "./kinds.ts";

const FOREIGN = "tests/tokenizer/foreign_test.ts", PATTERNS = "tests/tokenizer/patterns_test.ts";
const COMMAND = "tests/tokenizer/command_test.ts";

/** A file that removes what a pattern matches. */
const removed = (Regex: string, letters: string) =>
  letterFile(letters, {
    normalizer: { type: "Replace", pattern: { Regex }, content: "" },
    pre_tokenizer: null,
  });

/** What a pattern of Oniguruma removes from a text. */
const pattern = (Regex: string, text: string, right: string): Kind => ({
  kind: `regular expression of a \`tokenizer.json\`: \`${Regex.replaceAll("|", "\\|")}\``,
  input: `the matches removed from ${JSON.stringify(text)}`,
  right: right.replaceAll("\n", "\\n"),
  test: PATTERNS,
  run: () => pieces(removed(Regex, text), text, right),
});

const normalizer = (kind: string, normalizer: Record<string, unknown>, text: string, right: string): Kind => ({
  kind,
  input: `${JSON.stringify(normalizer)} on ${JSON.stringify(text)}`,
  right,
  test: FOREIGN,
  run: () => pieces(letterFile(text + right, { normalizer }), text, right),
});

/** Encodes with a file of bytes that a `tokenizer.json` begins with. */
const begins = (kind: string, name: string, before: string): Kind => ({
  kind,
  input: `a \`tokenizer.json\` behind ${name}`,
  right: "loads: ▁ a b",
  test: COMMAND,
  run: async (place) => {
    const file = await given(place, "begins.json", before + letterFile("ab")), words = ["--pieces", "--model", file];
    return await called(place, ["tokenizer", "encode", ...words], { code: 0, pattern: /^▁ a b$/m, stdin: "ab\n" });
  },
});

const otherKind = (type: string): Kind => ({
  kind: `a model of another kind (${type})`,
  input: `a \`tokenizer.json\` of the type ${type}`,
  right: "says that it is no Unigram model, exit code 1",
  test: FOREIGN,
  run: async (place) => {
    const file = await given(place, "other.json", letterFile("ab", {}, { type, vocab: { a: 0, b: 1 }, merges: [] }));
    return await called(place, ["tokenizer", "encode", "--model", file], {
      code: 1,
      pattern: /Unigram/,
      stdin: "ab\n",
    });
  },
});

/** 40,000 bytes of words, and one string of hexadecimal digits without a space. */
function withLongWord(): string {
  const words = "the river ran under a low bridge and over green stones while nine herons stood still".split(" ");
  const digits = Array.from({ length: 24_000 }, (_, i) => (i * 2_654_435_761 % 4_294_967_296 >>> 28).toString(16));
  const text = Array.from({ length: 7000 }, (_, i) => words[(i * i + 3 * i) % words.length]).join(" ");
  return `${text}\n${digits.join("")}\n`;
}

async function trained(place: Ready, name: string, text: string, words: readonly string[]): Promise<string> {
  const input = await given(place, `${name}.txt`, text), out = `${place.folder}/${name}`;
  return await called(place, ["tokenizer", "train", "--input", input, ...words, "--out", out], {
    code: 0,
    pattern: /\.model$/m,
  });
}

/** A symbol with a space, found in a text by both files. */
async function symbolWithSpace(place: Ready): Promise<string> {
  const text = "we saw new york and then old york and then new york again\n".repeat(60), symbol = "new york";
  const made = await trained(place, "symbol", text, ["--vocab-size", "20", "--user-defined-symbols", symbol]);
  if (made.startsWith("no: ")) return made;
  const found = [];
  for (const end of ["model", "json"]) {
    const words = ["tokenizer", "encode", "--pieces", "--model", `${place.folder}/symbol.${end}`];
    found.push((await piped(place, words, "a new york b\n")).out.trim());
  }
  return seen(found[0] === found[1] && /new.york/.test(found[0] ?? ""), found.join(" and "));
}

async function linearSpaces(): Promise<string> {
  const begun = performance.now(), text = `x${" ".repeat(700_000)}zz y`;
  const file = withToken("xyz", "zz", { lstrip: true });
  const got = (await Tokenizer.openJson(file, { name: "case" })).encodePieces(text).length;
  const seconds = (performance.now() - begun) / 1000;
  return seen(seconds < 10 && got > 0, seconds < 10 ? "under 10 s" : `${seconds.toFixed(0)} s`);
}

const PERSIAN = "نمی\u200cدانم\tکجا\u200dست";

async function joiners(place: Ready): Promise<string> {
  const made = await trained(place, "joiners", `${PERSIAN} `.repeat(200), ["--vocab-size", "270", "--byte-fallback"]);
  if (made.startsWith("no: ")) return made;
  const model = ["--model", `${place.folder}/joiners.model`];
  const { out } = await piped(place, ["tokenizer", "encode", ...model], `${PERSIAN}\n`);
  const back = (await piped(place, ["tokenizer", "decode", ...model], out)).out;
  return seen(back === `${PERSIAN}\n`, back === `${PERSIAN}\n` ? "the same bytes" : JSON.stringify(back));
}

async function utf16(place: Ready): Promise<string> {
  const text = "No byte order mark is at the start of this. ".repeat(40), bytes = new Uint8Array(2 * text.length);
  for (let i = 0; i < text.length; i++) bytes[2 * i + 1] = text.charCodeAt(i);
  const file = await given(place, "utf16be.txt", bytes);
  return await called(place, ["tokenizer", "train", "--input", file, "--out", `${place.folder}/never`], {
    code: 2,
    pattern: /UTF-16BE/,
  });
}

async function folderOut(place: Ready): Promise<string> {
  const input = await given(place, "small.txt", "one two three two one three two ".repeat(50));
  const words = ["tokenizer", "train", "--input", input, "--vocab-size", "12", "--out", `${place.folder}/made/`];
  return await called(place, words, { code: 0, pattern: /made\/+tokenizer\.model/ });
}

async function inspected(place: Ready): Promise<string> {
  const file = await given(place, "unk.json", letterFile("", {}, { vocab: [["<unk>", 0]] }));
  const empty = await given(place, "empty.txt", "");
  const words = ["tokenizer", "inspect", "--model", file, "--input", empty];
  return await called(place, words, { code: 0, pattern: /0 characters, 0 bytes, 0 tokens/ });
}

async function pictureKept(place: Ready): Promise<string> {
  const file = await given(place, "kept.json", letterFile("ab")), notes = await given(place, "kept.png.txt", "mine");
  await hymba(place, "tokenizer", "inspect", "--model", file);
  const { code } = await hymba(place, "tokenizer", "inspect", "--model", file, "--picture", notes);
  const beside = await Deno.stat(`${file}.png`).then(() => true, () => false);
  const kept = await Deno.readTextFile(notes) === "mine";
  return seen(code === 2 && kept && !beside, "nothing beside the model, the text is refused as a picture");
}

export const TOKENIZERS: readonly Kind[] = [
  {
    kind: "a long stretch without a space (sums overflow)",
    input:
      "90 kB of words and 24,000 hexadecimal digits in one string, `tokenizer train --vocab-size 500 --byte-fallback`",
    right: "trains",
    test: "tests/tokenizer/long_words_test.ts",
    run: (place) => trained(place, "long", withLongWord(), ["--vocab-size", "500", "--byte-fallback"]),
  },
  {
    kind: "a user-defined symbol with a space",
    input: "`--user-defined-symbols 'new york'`, then `a new york b` from `.model` and `.json`",
    right: "one piece, the same from both",
    test: "tests/tokenizer/symbols_test.ts",
    run: symbolWithSpace,
  },
  {
    kind: "a symbol that breaks the lossless promise",
    input: "`--user-defined-symbols 'x▁y'`",
    right: "refused, exit code 2",
    test: "tests/tokenizer/symbols_test.ts",
    run: async (place) => {
      const input = await given(place, "mark.txt", "xy xy yx ".repeat(99)), out = `${place.folder}/mark`;
      const words = ["--vocab-size", "30", "--user-defined-symbols", "x▁y", "--out", out];
      return await called(place, ["tokenizer", "train", "--input", input, ...words], { code: 2, pattern: /U\+2581/ });
    },
  },
  pattern("\\d", "5b٤c๓d", "b c d"),
  pattern("\\W", "né_7!…", "n é _ 7"),
  pattern("\\s", "a\u0085b\u00a0c\ufeff", "a b c \ufeff"),
  pattern("e$", "e\nfe", "\n f"),
  pattern("^b", "bc\nbb", "c \n b"),
  pattern("o.", "ofxo\no", "x o \n o"),
  pattern("[a-z&&[^aeiou]]", "tune", "u e"),
  normalizer("`StripAccents` and marks that are not Mn", { type: "StripAccents" }, "சொ மி", "▁ ச ▁ ம"),
  normalizer("`Lowercase` and the final sigma", { type: "Lowercase" }, "ΛΟΓΟΣ", "▁ λ ο γ ο σ"),
  normalizer("`Nmt`", { type: "Nmt" }, "x\u0008y\u2028z", "▁ x y ▁ z"),
  normalizer(
    "`Strip` and Unicode's spaces",
    { type: "Strip", strip_left: true, strip_right: true },
    "\u2003x\u3000",
    "▁ x",
  ),
  {
    kind: "`lstrip` takes quadratic time",
    input: "`x`, 700,000 spaces, a token with `lstrip`",
    right: "under 10 s",
    test: FOREIGN,
    run: linearSpaces,
  },
  {
    kind: "`single_word` beside `lstrip`",
    input: "token `zz` of both flags in `x zz y`",
    right: "▁ x zz ▁ y",
    test: FOREIGN,
    run: () => pieces(withToken("xyz", "zz", { single_word: true, lstrip: true }), "x zz y", "▁ x zz ▁ y"),
  },
  {
    kind: "a model without its type",
    input: "`tokenizer.json` without `model.type`",
    right: "▁ a b",
    test: FOREIGN,
    run: () => pieces(letterFile("ab", {}, { type: undefined }), "ab", "▁ a b"),
  },
  otherKind("WordPiece"),
  otherKind("BPE"),
  begins("line breaks before a `tokenizer.json`", "two line breaks and a tab", "\r\n\n\t"),
  begins("a byte order mark before a `tokenizer.json`", "a byte order mark", "\ufeff"),
  {
    kind: "joiners and tabs in pipes",
    input: "Persian with U+200C, U+200D and a tab, encoded and decoded",
    right: "the same bytes",
    test: COMMAND,
    run: joiners,
  },
  {
    kind: "UTF-16 without a mark",
    input: "UTF-16BE to `tokenizer train`",
    right: "named, exit code 2",
    test: COMMAND,
    run: utf16,
  },
  {
    kind: "a folder as `--out`",
    input: "`tokenizer train --out made/`",
    right: "files with names in it",
    test: COMMAND,
    run: folderOut,
  },
  {
    kind: "an empty text, a model without ordinary pieces",
    input: "`tokenizer inspect` of `<unk>` alone on an empty file",
    right: "counts of 0",
    test: COMMAND,
    run: inspected,
  },
  {
    kind: "files of the user beside the model",
    input: "`tokenizer inspect`, and with `--picture` of a text",
    right: "writes nothing, refuses the text",
    test: "tests/cli/tokenizer_test.ts",
    run: pictureKept,
  },
];
