/** One rejected file for each rule of each reader, and the inputs that were faults before. */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { HymbaConfig, type HymbaOptions } from "../../core/config/mod.ts";
import { studyOf } from "../../core/study_file/mod.ts";
import { memoryDisk, parseJson, parseLog } from "../../core/disk/mod.ts";
import { decodeMaps, metricsLineOf, runRecordOf, writeMaps } from "../../core/record/mod.ts";
import { HymbaError } from "../../core/errors.ts";
import { encodeSafetensors } from "../../core/params/safetensors.ts";
import { MAX_CHARSMAP_BYTES } from "../../core/tokenizer/charsmap.ts";
import { Tokenizer } from "../../core/tokenizer/mod.ts";
import { MessageWriter } from "../../core/tokenizer/protobuf.ts";
import { VOCABULARY_LIMITS } from "../../core/tokenizer/vocabulary.ts";
import { RECORD } from "./record_target.ts";
import { TARGETS } from "./targets.ts";

const CORPUS = fileURLToPath(new URL("corpus", import.meta.url));

/** Throws unless `read` refuses with a typed error whose words match. */
function refused(what: string, expected: RegExp, read: () => unknown): void {
  assert.throws(read, (error: unknown) => {
    assert(error instanceof HymbaError, `${what}: ${error}`);
    assert.match(error.message, expected, what);
    return true;
  }, what);
}

for (const parser of Deno.readDirSync(CORPUS)) {
  Deno.test(`corpus of ${parser.name}: what once was a fault is refused, in time`, async () => {
    for (const { name } of Deno.readDirSync(join(CORPUS, parser.name))) {
      const bytes = await Deno.readFile(join(CORPUS, parser.name, name)), start = performance.now();
      const target = TARGETS[parser.name];
      assert(target, parser.name);
      refused(name, /./, () => target.parse(bytes));
      assert(performance.now() - start < 1000, name);
    }
  });
}

/** Every path of a tree with its value. */
function* places(value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
  if (path.length > 0) yield path;
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value)) yield* places(item, [...path, key]);
}

function replaced(root: unknown, path: readonly string[], value: unknown): unknown {
  let here = root as Record<string, unknown>;
  for (const key of path.slice(0, -1)) here = here[key] as Record<string, unknown>;
  here[path.at(-1)!] = value;
  return root;
}

Deno.test("run record: a value of another type in any place is refused", () => {
  let rules = 0;
  for (const path of places(JSON.parse(RECORD))) {
    for (const wrong of [true, {}, [[]], -1]) {
      const before = path.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], JSON.parse(RECORD));
      const same = typeof before === typeof wrong && Array.isArray(before) === Array.isArray(wrong);
      if (same && before !== null) continue;
      // Words about versions and the adapter may be numbers.
      if (/^(versions|adapter)$/.test(path[0]!) && path.length > 1 && wrong === -1) continue;
      if (path.join() === "format" && wrong === -1) continue;
      if (path.includes("baselines") && before === null && wrong === -1) continue;
      rules++;
      refused(
        `${path.join(".")} = ${JSON.stringify(wrong)}`,
        /expected/,
        () => runRecordOf(replaced(JSON.parse(RECORD), path, wrong), "run.json"),
      );
    }
  }
  assert(rules > 200, `${rules} rules`);
});

const RECORD_RULES: readonly (readonly [rule: string, path: string, wrong: unknown])[] = [
  ["format", "format", 2],
  ["an arm's name is part of a path", "study.arms.0.name", "../x"],
  ["an arm's name is not long", "study.arms.0.name", "a".repeat(65)],
  ["arms exist", "study.arms", []],
  ["arms are few", "study.arms", Array.from({ length: 1025 }, () => ({ name: "a", config: {} }))],
  ["arms have different names", "study.arms", [{ name: "a", config: {} }, { name: "a", config: {} }]],
  ["seeds are whole", "study.seeds", [0.5]],
  ["seeds exist", "study.seeds", []],
  ["evaluation every so many steps", "study.orpo.evaluateEvery", 0],
  ["a share", "study.trainFraction", 1.5],
  ["one of the losses", "study.preference.loss", "dpo"],
  ["a digest", "corpus.sha256", "0"],
  ["a number that JSON holds", "study.preference.beta", null],
  ["a text of bounded length", "backend", "x".repeat(257)],
  ["sizes below 2^31", "tokenizer.vocabSize", 2 ** 40],
];

Deno.test(`run record: ${RECORD_RULES.length} rules of value`, () => {
  runRecordOf(JSON.parse(RECORD), "run.json");
  for (const [rule, path, wrong] of RECORD_RULES) {
    refused(rule, /run\.json/, () => runRecordOf(replaced(JSON.parse(RECORD), path.split("."), wrong), "run.json"));
  }
});

const CONFIG_RULES: readonly (readonly [field: string, wrong: readonly unknown[]])[] = [
  ...[
    "vocabSize",
    "dModel",
    "nLayers",
    "nHeads",
    "nKvHeads",
    "swaWindow",
    "ffnHidden",
    "stateSize",
    "convKernel",
    "dtRank",
  ]
    .map((field) => [field, [0, -1, 0.5, 2 ** 40, NaN, "8", null, []]] as const),
  ["numMetaTokens", [-1, 0.5, 2 ** 40, "1", null]],
  ["headDim", [0, 1, 3, 2 ** 40, "2", null]],
  ["valueHeadDim", [0, 0.5, 7, "2"]],
  ["archType", ["", "gpt", 3, null, ["hymba"]]],
  ["globalAttnIndices", [5, [-1], [99], ["0"], [0.5], null, "0"]],
  ["kvGroups", [[[]], [3], [[1, 0]], [[0, 1], [1, 2]], [[99]], "x", null]],
  ...["useMetaTokens", "useKvSharing", "innerNorms"].map((field) => [field, [0, 1, "true", null]] as const),
  ["mambaExpand", [0, -1, 2 ** 20, Infinity, "2", null]],
  ["oddGroup", ["pair", null]],
  ["ropeBase", [0, -1, Infinity, NaN, "1"]],
  ["normEps", [-1, 2, NaN]],
  ["initDeviation", [-1, Infinity, NaN]],
  ["metaInit", ["zero", null]],
  ["mambaInit", ["zero", 1]],
  ["outputInit", [true, ""]],
  ["fusionInit", [-1, "1", Infinity]],
  ["metaTokens", [3]],
  ["toString", ["x"]],
];

Deno.test("configuration: each field refuses what it must not hold, and names itself", () => {
  for (const [field, values] of CONFIG_RULES) {
    for (const wrong of values) {
      refused(
        `${field} = ${wrong}`,
        new RegExp(`^configuration: .*${field}`),
        () => new HymbaConfig({ [field]: wrong }),
      );
    }
  }
  for (const wrong of [null, 3, [], "x"]) {
    refused(`${wrong}`, /an object/, () => new HymbaConfig(wrong as unknown as Partial<HymbaOptions>));
  }
  assert.equal(studyOf("paper").arms.length, 5);
});

const LINE = '{"arm":"hymba","seed":1,"stage":"orpo","step":1,"kind":"train","loss":1}';
const LINE_RULES: Record<string, string> = {
  "JSON": "{",
  "an object": "[1]",
  "UTF-8": "\udcff",
  "at most 1 MiB": `{"message":"${"x".repeat(2 ** 20)}"}`,
  "an arm": LINE.replace('"arm":"hymba",', ""),
  "an arm's name is part of a path": LINE.replace("hymba", "../x"),
  "a seed": LINE.replace('"seed":1', '"seed":-1'),
  "a known stage": LINE.replace("orpo", "dpo"),
  "a whole step": LINE.replace('"step":1', '"step":0.5'),
  "a known kind": LINE.replace("train", "x"),
  "a number": LINE.replace('"loss":1', '"loss":"1"'),
};

Deno.test(`metrics: ${Object.keys(LINE_RULES).length} rules`, () => {
  const read = (line: string) => {
    const bytes = new TextEncoder().encode(`${line}\n`), at = bytes.indexOf(0xef);
    // A lone surrogate stands for a byte that is not UTF-8.
    if (at >= 0) bytes[at] = 0xff;
    return parseLog(bytes, "metrics.jsonl").map((record) => metricsLineOf(record, "metrics.jsonl"));
  };
  assert.equal(read(LINE).length, 1);
  for (const [rule, line] of Object.entries(LINE_RULES)) refused(rule, /metrics\.jsonl/, () => read(line));
});

const piece = (build: (message: MessageWriter) => MessageWriter) => build(new MessageWriter()).finish();
const UNKNOWN = piece((message) => message.text(1, "<unk>").varint(3, 2));
const TRAINER = piece((message) => message.varint(3, 1)), NORMALIZER = piece((message) => message.text(1, "identity"));
const hugeMap = () => {
  const map = new Uint8Array(MAX_CHARSMAP_BYTES + 16);
  new DataView(map.buffer).setUint32(0, MAX_CHARSMAP_BYTES + 4, true);
  return map;
};
const model = (build: (file: MessageWriter) => MessageWriter) =>
  build(new MessageWriter().bytes(1, UNKNOWN)).bytes(2, TRAINER).bytes(3, NORMALIZER).finish();

const MODEL_RULES: Record<string, () => Uint8Array> = {
  "not empty": () => new Uint8Array(),
  "whole fields": () => model((file) => file).subarray(0, 5),
  "wire types": () => Uint8Array.of(0x0b),
  "field numbers": () => Uint8Array.of(0x00),
  "numbers of 10 bytes": () => new Uint8Array(11).fill(0x80),
  "lengths inside the file": () => Uint8Array.of(0x0a, 0x7f, 0),
  "pieces are messages": () => model((file) => file.varint(1, 3)),
  "pieces are not empty": () => model((file) => file.bytes(1, piece((message) => message.float(2, 1)))),
  "pieces are UTF-8": () => model((file) => file.bytes(1, piece((message) => message.bytes(1, Uint8Array.of(0xff))))),
  "no U+0000": () => model((file) => file.bytes(1, piece((message) => message.text(1, "\0")))),
  "finite scores": () => model((file) => file.bytes(1, piece((message) => message.text(1, "a").float(2, Infinity)))),
  "types 1 to 6": () => model((file) => file.bytes(1, piece((message) => message.text(1, "a").varint(3, 9)))),
  "no piece twice": () => model((file) => file.bytes(1, UNKNOWN)),
  "one unknown piece": () => model((file) => file.bytes(1, piece((message) => message.text(1, "b").varint(3, 2)))),
  "pieces of bounded length": () =>
    model((file) => file.bytes(1, piece((message) => message.text(1, "a".repeat(VOCABULARY_LIMITS.pieceLength + 1))))),
  "a trainer": () => new MessageWriter().bytes(1, UNKNOWN).bytes(3, NORMALIZER).finish(),
  "a normaliser": () => new MessageWriter().bytes(1, UNKNOWN).bytes(2, TRAINER).finish(),
  "a Unigram model": () =>
    new MessageWriter().bytes(1, UNKNOWN).bytes(2, piece((message) => message.varint(3, 2))).bytes(3, NORMALIZER)
      .finish(),
  "bytes for byte fallback": () =>
    new MessageWriter().bytes(1, UNKNOWN).bytes(2, piece((message) => message.varint(3, 1).flag(35, true)))
      .bytes(3, NORMALIZER).finish(),
  "a whole character map": () =>
    new MessageWriter().bytes(1, UNKNOWN).bytes(2, TRAINER)
      .bytes(3, piece((message) => message.bytes(2, Uint8Array.of(1, 2, 3, 4, 5)))).finish(),
  "a character map of bounded size": () =>
    new MessageWriter().bytes(1, UNKNOWN).bytes(2, TRAINER).bytes(3, piece((message) => message.bytes(2, hugeMap())))
      .finish(),
};

Deno.test(`tokenizer model: ${Object.keys(MODEL_RULES).length} rules`, () => {
  Tokenizer.fromModelBytes(model((file) => file));
  for (const [rule, make] of Object.entries(MODEL_RULES)) {
    refused(
      rule,
      /^the file: (?:damaged at|not a Unigram model)/,
      () => Tokenizer.fromModelBytes(make(), { name: "the file" }),
    );
  }
});

const UNIGRAM = { type: "Unigram", unk_id: 0, vocab: [["<unk>", 0], ["a", -1]] };
const JSON_RULES: Record<string, unknown> = {
  "an object": [],
  "a model": {},
  "a Unigram model": { model: { type: "BPE" } },
  "a list of pieces": { model: { ...UNIGRAM, vocab: "abc" } },
  "pieces are texts": { model: { ...UNIGRAM, vocab: [[1, 0]] } },
  "scores are numbers": { model: { ...UNIGRAM, vocab: [["<unk>", "0"]] } },
  "no U+0000": { model: { ...UNIGRAM, vocab: [["<unk>", 0], ["\0", 0]] } },
  "whole characters": { model: { ...UNIGRAM, vocab: [["<unk>", 0], ["\ud800", 0]] } },
  "no piece twice": { model: { ...UNIGRAM, vocab: [["<unk>", 0], ["a", 0], ["a", 0]] } },
  "unk_id is a piece": { model: { ...UNIGRAM, unk_id: 2 } },
  "byte fallback has bytes": { model: { ...UNIGRAM, byte_fallback: true } },
  "flags": { model: { ...UNIGRAM, byte_fallback: "yes" } },
  "added ids leave no gap": { model: UNIGRAM, added_tokens: [{ id: 9, content: "x" }] },
  "added ids are their pieces": { model: UNIGRAM, added_tokens: [{ id: 1, content: "x" }] },
  "known normalisers": { model: UNIGRAM, normalizer: { type: "BertNormalizer" } },
  "known pre-tokenizers": { model: UNIGRAM, pre_tokenizer: { type: "FixedLength" } },
  "known decoders": { model: UNIGRAM, decoder: { type: "WordPiece" } },
  "Base64": { model: UNIGRAM, normalizer: { type: "Precompiled", precompiled_charsmap: "?" } },
  "regular expressions": { model: UNIGRAM, normalizer: { type: "Replace", pattern: { Regex: "(" }, content: "" } },
  "no repeated repetition": {
    model: UNIGRAM,
    normalizer: { type: "Replace", pattern: { Regex: "(a|b*)*c" }, content: "" },
  },
  "no backward reference": {
    model: UNIGRAM,
    normalizer: { type: "Replace", pattern: { Regex: "(a)\\1" }, content: "" },
  },
  "few keys in an object": {
    model: UNIGRAM,
    x: Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`k${i}`, 0])),
  },
  "few values in a list": { model: UNIGRAM, x: [[1], ...new Array(1002).fill(1)] },
  "characters enough for its lists": { model: UNIGRAM, x: new Array(2000).fill([]) },
  "characters enough for its objects": { model: UNIGRAM, x: new Array(2000).fill({}) },
  "pieces of bounded length": { model: { ...UNIGRAM, vocab: [["<unk>", 0], ["a".repeat(5000), 0]] } },
};

Deno.test(`tokenizer.json: ${Object.keys(JSON_RULES).length} rules`, () => {
  Tokenizer.fromJson(JSON.stringify({ model: UNIGRAM }));
  const many = {
    keys: Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`k${i}`, 0])),
    values: new Array(1001).fill(1),
  };
  Tokenizer.fromJson(
    JSON.stringify({
      model: UNIGRAM,
      ...many,
      lists: new Array(900).fill([1, "a"]),
      objects: new Array(900).fill({ a: 1 }),
    }),
  );
  for (const [rule, value] of Object.entries(JSON_RULES)) {
    refused(rule, /^the file: /, () => Tokenizer.fromJson(JSON.stringify(value), { name: "the file" }));
  }
  for (const text of ["", "{", "nul", `${"[".repeat(101)}${"]".repeat(101)}`]) {
    refused(text, /damaged at character/, () => Tokenizer.fromJson(text, { name: "the file" }));
  }
});

Deno.test("attention maps: what the file says of its tensors has to hold", () => {
  const map = { layer: 0, kind: "global", positions: 2, metaTokens: 0, window: 0, labels: ["a", "b"] };
  const file = (about: unknown, name = "layer.0") =>
    encodeSafetensors({ [name]: { dtype: "F32", shape: [2, 2], data: new Float32Array(4) } }, {
      maps: typeof about === "string" ? about : JSON.stringify(about),
    });
  assert.equal(decodeMaps(file([map]), "maps").length, 1);
  const { labels: _, ...bare } = map;
  refused("no labels", /maps/, () => decodeMaps(file([bare]), "maps"));
  for (const about of ["{", {}, [{}], [{ ...map, layer: 1 }], [{ ...map, positions: 3 }], [{ ...map, labels: 3 }]]) {
    refused(JSON.stringify(about), /maps/, () => decodeMaps(file(about), "maps"));
  }
  refused("no JSON", /damaged/, () => parseJson("{", "a file"));
  for (const wrong of [NaN, Infinity, -0.5, 2]) {
    const data = Float32Array.of(1, 0, wrong, 0.5);
    const bytes = encodeSafetensors({ "layer.0": { dtype: "F32", shape: [2, 2], data } }, {
      maps: JSON.stringify([map]),
    });
    refused(String(wrong), /no probability/, () => decodeMaps(bytes, "maps"));
  }
});

Deno.test("attention maps: 300 layers, of one text or of several, come back", async () => {
  const labels = Array.from({ length: 350 }, (_, i) => `"meta\n${i}"`), disk = memoryDisk();
  const maps = Array.from({ length: 300 }, (_, layer) => ({
    ...{ layer, kind: "global" as const, positions: 2, metaTokens: 0, window: 0, labels: layer === 7 ? ["a"] : labels },
    probabilities: Float32Array.of(1, 0, 0.5, 0.5),
  }));
  await disk.makeFolder("run");
  await writeMaps(disk, "run", { stage: "orpo", maps });
  const [file] = await disk.list("run");
  assert.deepEqual(decodeMaps(await disk.read(`run/${file}`), "maps"), maps);
});
