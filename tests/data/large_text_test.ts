/** Texts that are read part by part have the same facts, pieces, tokens and study as a text in memory. Their files are written once, and completely. */
import { strict as assert } from "node:assert";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { fc } from "../packages.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { charactersOf, type Corpus, resolveCorpus, wholeText, withSeparate } from "../../core/data/corpus.ts";
import { corpusTokens, tokenizerSample } from "../../core/data/corpus_tokens.ts";
import type { TokenData } from "../../core/data/parts.ts";
import { piecesOfText } from "../../core/data/pieces_of_text.ts";
import { piecesOf, splitText } from "../../core/data/split.ts";
import type { DataRule } from "../../core/data/study_data.ts";
import { type Disk, memoryDisk, writeFile } from "../../core/disk/mod.ts";
import { runStudy } from "../../core/study/study.ts";
import { byteTokenizer, trainTokenizer } from "../../core/tokenizer/mod.ts";
import { intercept } from "../disk/intercept.ts";
import { faultingDisk } from "../disk/faulting.ts";
import { fingerprint } from "../study/fingerprint.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "../study/tiny_study.ts";

const TEXT = `${madeUpCorpus().text}\n${"größer 😀 日本 ".repeat(300)}`, HELD = 2000;
const RULE: DataRule = {
  ...{ trainFraction: 0.8, sequenceLength: 16 },
  split: { kind: "interleaved", testFraction: 0.1, blockCharacters: 700, gapCharacters: 20 },
};
const utf8 = (text: string) => new TextEncoder().encode(text);

/** A disk with these files, and the corpus of all of them, held and not. */
async function both(files: Record<string, Uint8Array>): Promise<{ disk: Disk; held: Corpus; large: Corpus }> {
  // A pattern is not resolved against the real working folder.
  const disk = memoryDisk(), data = Object.keys(files).map((name) => name.replace("txt", "tx?"));
  for (const [name, bytes] of Object.entries(files)) await writeFile(disk, name, bytes);
  return { disk, held: await resolveCorpus({ disk, data }), large: await resolveCorpus({ disk, data, held: HELD }) };
}

const plain = ({ train, validation, test }: TokenData) =>
  [train, validation, test].map((part) =>
    part && { tokens: [...part.tokens.subarray(0, part.tokens.length)], starts: part.starts, bytes: part.bytes }
  );

Deno.test("a text that is streamed has the size, hash, sample and tokens of the same text held, packed or not, one file or several", async () => {
  const half = TEXT.indexOf("\n", TEXT.length / 2), [a, b] = [TEXT.slice(0, half), TEXT.slice(half + 1)];
  const cases: Record<string, Uint8Array>[] = [
    { "all.txt": utf8(TEXT) },
    { "all.txt.gz": gzipSync(utf8(TEXT)) },
    { "all.txt.zst": zstdCompressSync(utf8(TEXT)) },
    { "a.txt": utf8(a), "b.txt.gz": gzipSync(utf8(b)) },
    { "a.txt": utf8(`${a}\n`), "b.txt": utf8(b) },
  ];
  for (const files of cases) {
    const { disk, held, large } = await both(files), name = Object.keys(files).join(" ");
    assert.equal(large.text, undefined, name);
    assert.deepEqual([large.bytes, large.sha256, large.name], [held.bytes, held.sha256, held.name], name);
    const names = Object.keys(files);
    assert.deepEqual(large.files, held.files, name);
    assert.deepEqual(held.files?.map((file) => file.name), names.length > 1 ? names : undefined);
    assert.equal(charactersOf(large), TEXT.length);
    const sample = await tokenizerSample(held, RULE);
    assert.deepEqual((await tokenizerSample(large, RULE)).text.replaceAll("\n", ""), sample.text.replaceAll("\n", ""));
    const tokenizer = trainTokenizer(sample.text, { vocabSize: 400, size: "most" });
    const found = await corpusTokens(disk, large, { tokenizer, rule: RULE });
    assert.deepEqual(plain(found), plain(await corpusTokens(disk, held, { tokenizer, rule: RULE })), name);
    found.close?.();
  }
});

Deno.test("pieces are cut where splitText cuts them, however the text arrives", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: "grapheme", minLength: 50, maxLength: 400 }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 20, max: 90 }),
      async (text, each, blockCharacters) => {
        const rule = { ...RULE, split: { ...RULE.split!, blockCharacters, gapCharacters: 3 } };
        async function* parts() {
          for (let at = 0; at < text.length;) {
            const end = at + each, unit = text.charCodeAt(end), cut = unit >= 0xdc00 && unit < 0xe000 ? end + 1 : end;
            yield text.slice(at, cut);
            at = cut;
          }
        }
        const pieces = piecesOf(text.length, rule), found: string[] = pieces.map(() => "");
        const corpus = { ...madeUpCorpus(), text: undefined, stream: { characters: text.length, parts } };
        for await (const { piece, text } of piecesOfText({ corpus, pieces })) found[piece] += text;
        const expected = splitText(text, rule), order = { train: 0, validation: 0, test: 0 };
        for (const [i, { part }] of pieces.entries()) assert.equal(found[i], expected[part][order[part]++]);
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("a study on a text that is not held has the bits of the same study on the held text", async () => {
  const { held, large, disk } = await both({ "all.txt": utf8(TEXT) }), prints: Record<string, string>[] = [];
  const study = { ...tinyStudy({ arms: ["mamba"] }), trainFraction: 0.8, split: RULE.split! };
  const executor = await CpuExecutor.create({ threads: 1 });
  try {
    for (const [corpus, folder] of [[held, "one"], [large, "two"]] as const) {
      await runStudy(study, { executor, corpus, disk, folder, environment: ENVIRONMENT, test: true });
      prints.push(await fingerprint(disk, folder));
    }
  } finally {
    await executor.close();
  }
  assert.deepEqual(prints[1], prints[0]);
});

Deno.test("files that are whole parts: their tokens alone, nothing of the main text, held or not", async () => {
  const [main, validation, test] = [TEXT, "VALIDATION ONLY ".repeat(300), "TESTING ".repeat(400)];
  const rule = {
    ...RULE,
    trainFraction: 1,
    split: { ...RULE.split!, testFraction: 0, separate: ["validation", "test"] } as const,
  };
  const { disk, held, large } = await both({ "all.txt": utf8(main) }), tokenizer = byteTokenizer();
  await writeFile(disk, "v.txt", utf8(validation));
  await writeFile(disk, "t.txt", utf8(test));
  for (const [corpus, most] of [[held, 2 ** 20], [large, HELD]] as const) {
    const whole = await withSeparate(corpus, { disk, held: most, validation: "v.tx?", test: "t.tx?" });
    const found = await corpusTokens(disk, whole, { tokenizer, rule });
    assert.equal(tokenizer.decode(found.validation.tokens), validation);
    assert.equal(tokenizer.decode(found.test!.tokens), test);
    assert.equal(tokenizer.decode(found.train.tokens.subarray(0, found.train.tokens.length)), main);
    assert.deepEqual([found.validation.bytes, found.test!.bytes], [validation.length - 1, test.length - 1]);
    found.close?.();
  }
  await assert.rejects(
    corpusTokens(disk, held, { tokenizer, rule }),
    /the validation text of the study is missing[^]*--validation-data/,
  );
});

Deno.test("token files are made once; an interrupted making is done again; a damaged file is named", async () => {
  const { disk, large } = await both({ "all.txt": utf8(TEXT) }), tokenizer = byteTokenizer();
  let operations = 0;
  const counting = intercept(disk, (_, perform) => (operations++, perform()));
  const wanted = { tokenizer, rule: RULE },
    first = await corpusTokens(counting, large, wanted),
    expected = plain(first);
  const made = operations;
  assert.deepEqual(plain(await corpusTokens(counting, large, wanted)), expected);
  assert.ok(operations - made < made / 2);
  for (let at = 0; at < made; at++) {
    const fresh = await both({ "all.txt": utf8(TEXT) });
    const { disk: failing, seen } = faultingDisk(fresh.disk, { at, fault: "EIO", forever: false });
    await corpusTokens(failing, { ...fresh.large, stream: large.stream! }, wanted).catch(() => {});
    assert.ok(seen.hit, String(at));
    assert.deepEqual(plain(await corpusTokens(fresh.disk, fresh.large, wanted)), expected, `operation ${at}`);
  }
  let file: string | undefined;
  await corpusTokens(
    intercept(disk, ({ operation, path }, perform) => {
      if (operation === "openRanges" && path.endsWith("train.bin")) file = path;
      return perform();
    }),
    large,
    wanted,
  );
  await disk.truncate(file!, 10);
  await assert.rejects(corpusTokens(disk, large, wanted), /train\.bin is damaged[^]*remove the folder/);
});

Deno.test("of a long training part the tokenizer sees a stated sample from all of it, and never another part", async () => {
  // Eighty million characters that are made when they are read: line i is the number i.
  const line = (i: number) => `${String(i).padStart(15, "0")}\n`, lines = 5_000_000;
  async function* parts() {
    for (let i = 0; i < lines; i += 10_000) yield Array.from({ length: 10_000 }, (_, k) => line(i + k)).join("");
  }
  const corpus = { ...madeUpCorpus(), text: undefined, stream: { characters: 16 * lines, parts } };
  const { text, sample } = await tokenizerSample(corpus, { trainFraction: 0.9, sequenceLength: 16 });
  assert.deepEqual(sample, { characters: 2 ** 23, of: Math.floor(16 * lines * 0.9) });
  const numbers = text.split("\n").filter((one) => one.length === 15).map(Number);
  assert.ok(Math.max(...numbers.slice(-5)) > 0.87 * lines && Math.max(...numbers.slice(-5)) < 0.9 * lines);
  assert.ok(numbers[0]! < 10 && text.length >= 2 ** 23);
});

Deno.test("what needs the whole text says how large it may be, and bytes that are no text are found while they are read", async () => {
  const { large, disk } = await both({ "all.txt": utf8(TEXT) });
  assert.throws(() => wholeText(large, "hymba recite"), /all\.txt is too large for hymba recite[^]*at most 67108864/);
  const damaged = utf8(TEXT);
  damaged[damaged.length - 100] = 0xff;
  await writeFile(disk, "bad.txt", damaged);
  await assert.rejects(resolveCorpus({ disk, data: "bad.tx?", held: HELD }), /bad\.txt is not UTF-8 text/);
  await writeFile(disk, "cut.gz", gzipSync(utf8(TEXT)).subarray(0, -9));
  await assert.rejects(resolveCorpus({ disk, data: "cut.g?", held: HELD }), /cut\.gz cannot be unpacked/);
  await assert.rejects(
    corpusTokens(disk, large, { tokenizer: byteTokenizer(), rule: { ...RULE, profile: "seed" } }),
    /too large/,
  );
});
