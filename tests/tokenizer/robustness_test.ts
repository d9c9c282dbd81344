import assert from "node:assert/strict";
import { HymbaError } from "../../core/errors.ts";
import { randomInteger, STREAMS } from "../../core/random.ts";
import { Tokenizer, trainSeedTokenizer, trainTokenizer } from "../../core/tokenizer/mod.ts";
import { oracles, SMALL_TEXT } from "./oracles.ts";
import { fc } from "../packages.ts";

const lossless = trainTokenizer(SMALL_TEXT, { vocabSize: 500 });
/** Any text, often with characters that are difficult for tokenizers. */
const anyText = fc.array(
  fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom(
      " ",
      "  ",
      "\n",
      "▁",
      "\0",
      "\t",
      "\r\n",
      "<0x41>",
      "<unk>",
      "</s>",
      "\ufeff",
      "the ",
      "Romeo",
      "▅",
      "é",
    ),
  ),
  { maxLength: 12 },
).map((parts) => parts.join(""));

Deno.test("lossless: decoding gives back every text", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      assert.equal(lossless.decode(lossless.encode(text)), text);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("every tokenizer: no text crashes, ids are in range, bytes and text agree", () => {
  const all = [
    lossless,
    trainSeedTokenizer(SMALL_TEXT, { vocabSize: 300 }),
    ...oracles().map(({ tokenizer }) => tokenizer),
  ];
  fc.assert(
    fc.property(anyText, (text) => {
      for (const tokenizer of all) {
        const ids = tokenizer.encode(text);
        assert.ok(ids.every((id) => id < tokenizer.vocabSize));
        assert.deepEqual(tokenizer.encodeBytes(new TextEncoder().encode(text)), ids);
        assert.equal(typeof tokenizer.decode(ids), "string");
        assert.equal(tokenizer.encodePieces(text).length, ids.length);
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("lone surrogates and arbitrary bytes", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 0xd700, max: 0xe0ff })), (units) => {
    const text = String.fromCharCode(...units);
    assert.equal(lossless.decode(lossless.encode(text)), text.toWellFormed());
  }));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
    for (const id of lossless.encodeBytes(bytes)) assert.ok(id < lossless.vocabSize);
  }));
});

Deno.test("a text in parts has the ids of the text in one", () => {
  for (const { name, tokenizer } of [{ name: "trained", tokenizer: lossless }, ...oracles()]) {
    fc.assert(
      fc.property(anyText, fc.array(fc.nat(30), { minLength: 1 }), (text, cuts) => {
        const bytes = new TextEncoder().encode(text), stream = tokenizer.stream(), ids: number[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const stop = at + cuts[i % cuts.length]! + 1;
          ids.push(...stream.push(bytes.subarray(at, stop)));
          at = stop;
        }
        ids.push(...stream.finish());
        assert.deepEqual(ids, [...tokenizer.encode(text)], name);
      }),
      { numRuns: 200 },
    );
  }
});

Deno.test("a stream holds little: 20 MB pass through a small buffer", () => {
  const line = new TextEncoder().encode("What say you to this motion, good my lord? ".repeat(500));
  const stream = lossless.stream();
  let tokens = 0, most = 0;
  for (let i = 0; i < 1000; i++) {
    tokens += stream.push(line).length;
    if (i % 100 === 0) most = Math.max(most, stream.pendingBytes);
  }
  tokens += stream.finish().length;
  assert.ok(tokens > 1e6, `${tokens} tokens`);
  assert.ok(most < 200_000, `${most} bytes were waiting`);
});

/** Loads a file and, if that works, uses it. Anything but success or an error with name and place is a failure. */
function tryLoad(load: () => Tokenizer): "loaded" | "refused" {
  const start = performance.now();
  let outcome: "loaded" | "refused" = "loaded";
  try {
    const tokenizer = load();
    tokenizer.decode(tokenizer.encode("What say you? ﬁ é 語\n"));
  } catch (error) {
    assert.ok(error instanceof HymbaError, `${(error as Error).stack}`);
    assert.match(error.message, /^the file: (?:damaged )?at (?:byte|offset|character) \d+: /);
    outcome = "refused";
  }
  assert.ok(performance.now() - start < 1000);
  return outcome;
}

/** One random bit of one random byte of the file. */
function flip(bytes: Uint8Array, step: number): Uint8Array {
  const counter = { seed: 11, stream: STREAMS.tokenizer, step }, copy = bytes.slice();
  copy[randomInteger(counter, 0, copy.length)]! ^= 1 << randomInteger(counter, 1, 8);
  return copy;
}

const PLAIN_TEXT = SMALL_TEXT.split("\n").slice(0, 60).join("\n");
const small = trainTokenizer(PLAIN_TEXT, { vocabSize: 150, byteFallback: false });
const name = "the file", decoder = new TextDecoder();
const FORMATS = {
  ".model": { bytes: small.toModelBytes(), load: (bytes: Uint8Array) => Tokenizer.fromModelBytes(bytes, { name }) },
  "tokenizer.json": {
    bytes: new TextEncoder().encode(small.toJson().trimEnd()),
    load: (bytes: Uint8Array) => Tokenizer.fromJson(decoder.decode(bytes), { name }),
  },
};

for (const [format, { bytes, load }] of Object.entries(FORMATS)) {
  Deno.test(`${format}: cut short anywhere, it is refused with name and place`, () => {
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(tryLoad(() => load(bytes.subarray(0, length))), "refused", `prefix of ${length} bytes`);
    }
  });

  Deno.test(`${format}: 10,000 single bit flips load or are refused, within a second each`, () => {
    const outcomes = { loaded: 0, refused: 0 };
    for (let step = 0; step < 10_000; step++) outcomes[tryLoad(() => load(flip(bytes, step)))]++;
    assert.ok(outcomes.refused > 1000 && outcomes.loaded > 100, JSON.stringify(outcomes));
  });
}

Deno.test("a text is called a text, not a damaged model", () => {
  for (const text of ["to be or not to be\n", "\n\n\tone,two\r\n", "문장 하나"]) {
    const bytes = new TextEncoder().encode(text), name = "a.txt";
    assert.throws(() => Tokenizer.fromModelBytes(bytes, { name }), /a\.txt is a text, not a tokenizer/);
  }
});

Deno.test("a damaged character map is refused or harmless", () => {
  const bytes = trainTokenizer("a b", { vocabSize: 263, normalization: "nfkc" }).toModelBytes();
  for (let step = 0; step < 60; step++) tryLoad(() => Tokenizer.fromModelBytes(flip(bytes, step), { name }));
  for (const length of [100, 1000, 10_000, 100_000, bytes.length - 1]) {
    assert.equal(tryLoad(() => Tokenizer.fromModelBytes(bytes.subarray(0, length), { name })), "refused");
  }
});
