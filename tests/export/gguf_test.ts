/** llama.cpp opens the exported file: the same tokens, the same logits, the same text. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { HymbaConfig } from "../../core/config/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { exportFiles, writeFolder } from "../../core/export/mod.ts";
import { at } from "../../core/lists.ts";
import { byteTokenizer, Tokenizer } from "../../core/tokenizer/mod.ts";
import { gguf } from "../packages.ts";
import { oracles, SMALL_TEXT } from "../tokenizer/oracles.ts";
import { SMALL, smallModels } from "../train/models.ts";
import { logitsOfModel, madeModel } from "./models.ts";
import { askNode, LLAMA_CPP, nodePackages } from "./node_packages.ts";

/** Largest distance of a logit. llama.cpp computes in float32, with other orders of sums. */
const MOST = 1e-4;

/** What llama.cpp says of a file: see llama_cpp_client.mjs. */
interface Answer {
  readonly architecture: string;
  readonly encoded: number[][];
  readonly decoded: string[];
  readonly logits: number[][];
  readonly following: number[];
}

const { tokenizer } = at(oracles(), 0);
const SHAPE = {
  vocabSize: tokenizer.vocabSize,
  dModel: 32,
  nLayers: 3,
  nHeads: 4,
  ffnHidden: 48,
  layers: "3g",
  useMetaTokens: false,
};
const MODELS = [
  { name: "grouped", config: new HymbaConfig({ ...SHAPE, nKvHeads: 2 }) },
  {
    name: "wide-heads",
    config: new HymbaConfig({ ...SHAPE, nKvHeads: 4, headDim: 12, valueHeadDim: 12, ropeBase: 500, normEps: 1e-3 }),
  },
];

/** Lines of text whose characters are all pieces: llama.cpp's Unigram has no byte fallback. */
const texts = SMALL_TEXT.split("\n").filter((line) =>
  line.length > 0 &&
  [...tokenizer.encode(line)].every((id) => tokenizer.pieces[id]!.type !== 2 && tokenizer.pieces[id]!.type !== 6)
).slice(0, 60).concat("To be,\nor not\n\nto be", "  two spaces ");

const worst = (a: readonly number[], b: readonly number[]) =>
  a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
const likeliest = (row: readonly number[]) => row.indexOf(row.reduce((most, x) => Math.max(most, x), -Infinity));

for (const { name, config } of MODELS) {
  Deno.test(`llama.cpp: tokens, logits and greedy text are ours: ${name}`, async () => {
    const packages = await nodePackages(LLAMA_CPP);
    if (!packages) return;
    const folder = await Deno.makeTempDir(),
      { model, expected } = await madeModel({ name, config }, { tokenizer, T: 20 });
    try {
      const [path] = await writeFolder(systemDisk, join(folder, "out"), exportFiles(model, "gguf"));
      const ids = expected.ids[0]!,
        V = config.vocabSize,
        script = fileURLToPath(new URL("llama_cpp_client.mjs", import.meta.url));
      const answer = await askNode<Answer>(script, [packages, path!], { texts, ids, tokens: 12 });
      assert.equal(answer.architecture, "llama");
      for (const [i, text] of texts.entries()) {
        assert.deepEqual(answer.encoded[i], [...tokenizer.encode(text)], JSON.stringify(text));
        assert.equal(answer.decoded[i], text);
      }
      assert.equal(answer.logits.length, ids.length);
      const distance = worst(answer.logits.flat(), expected.logits.slice(0, ids.length * V));
      assert.ok(distance < MOST, `${distance}`);
      assert.equal(answer.following.length, 12);
      const all = [...ids, ...answer.following], ours = await logitsOfModel(model, [all]);
      const greedy = answer.following.map((_, i) =>
        likeliest(ours.slice((ids.length + i - 1) * V, (ids.length + i) * V))
      );
      assert.deepEqual(answer.following, greedy);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("GGUF: Hugging Face's reader finds the metadata, and each tensor inside of the file at a multiple of 32 bytes", async () => {
  const folder = await Deno.makeTempDir(), { config } = at(MODELS, 0);
  const { model } = await madeModel({ name: "grouped", config }, { tokenizer, T: 2 });
  try {
    const [path = ""] = await writeFolder(systemDisk, join(folder, "out"), exportFiles(model, "gguf"));
    const { metadata, tensorInfos, tensorDataOffset } = await gguf(path, { allowLocalFile: true });
    assert.deepEqual([metadata.version, metadata["general.architecture"]], [3, "llama"]);
    assert.equal(metadata["llama.block_count" as keyof typeof metadata], 3);
    assert.deepEqual(
      metadata["tokenizer.ggml.tokens" as keyof typeof metadata],
      tokenizer.pieces.map(({ piece }) => piece),
    );
    const { size } = await Deno.stat(path);
    assert.equal(tensorInfos.length, 2 + 9 * 3);
    for (const { name, shape, offset, dtype } of tensorInfos) {
      const start = Number(tensorDataOffset) + Number(offset),
        count = shape.reduce((product, n) => product * Number(n), 1);
      assert.ok(start % 32 === 0 && start + 4 * count <= size && dtype === 0, name);
    }
    const embedding = tensorInfos.find(({ name }) => name === "token_embd.weight");
    assert.deepEqual(embedding?.shape.map(Number), [config.dModel, config.vocabSize]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("GGUF: what llama.cpp cannot have is refused, and the reason is named", async () => {
  const refused = async (config: HymbaConfig, given: Tokenizer | undefined, expected: RegExp) => {
    const { model } = await madeModel({ name: "x", config }, { tokenizer: given, T: 3 });
    assert.throws(() => exportFiles(model, "gguf"), (error: unknown) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, expected);
      return true;
    });
  };
  for (const { name, config } of smallModels()) {
    if (name !== "transformer-global") await refused(config, tokenizer, /^llama\.cpp cannot carry x\n.*Llama/);
  }
  const llama = new HymbaConfig({ ...SMALL, layers: "4g", useMetaTokens: false });
  await refused(llama, undefined, /no tokenizer, and a GGUF file has one in it/);
  await refused(llama, byteTokenizer(), /a tokenizer of bytes/);
  await refused(llama, tokenizer, /a tokenizer of 1000 ids for 37 rows/);
  const foreign = {
    version: "1.0",
    pre_tokenizer: { type: "Whitespace" },
    model: { type: "Unigram", unk_id: 0, vocab: [["<unk>", 0], ["a", -1]] },
  };
  await refused(llama.with({ vocabSize: 2 }), Tokenizer.fromJson(JSON.stringify(foreign)), /no SentencePiece model/);
});
