import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Tokenizer, trainTokenizer } from "../../core/tokenizer/mod.ts";
import { oracles, SMALL_TEXT } from "./oracles.ts";

const SCRIPT = fileURLToPath(new URL("rust_client.ts", import.meta.url));

/** Ids and decoded texts of Hugging Face's Rust library; undefined, with the reason printed, if it cannot be fetched. */
async function seenBy(
  tokenizer: Tokenizer,
  texts: string[],
): Promise<{ ids: number[]; decoded: string }[] | undefined> {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(file, tokenizer.toJson());
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--no-lock", SCRIPT, file],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const given = new Blob([JSON.stringify(texts)]).stream().pipeTo(child.stdin).catch(() => {});
    const [{ success, stdout, stderr }] = await Promise.all([child.output(), given]);
    const said = new TextDecoder().decode(stderr);
    if (!success && /npm package|npm registry|registry\.|error sending request|native binding/i.test(said)) {
      return void console.log(`skipped: Hugging Face's library cannot be fetched: ${said.split("\n")[0]}`);
    }
    assert.ok(success, said);
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    await Deno.remove(file);
  }
}

const options = { vocabSize: 500, userDefinedSymbols: [], addDummyPrefix: true } as const;
const small = [
  { name: "lossless", tokenizer: trainTokenizer(SMALL_TEXT, { vocabSize: 500 }) },
  {
    name: "identity with a dummy prefix",
    tokenizer: trainTokenizer(SMALL_TEXT, { ...options, normalization: "identity" }),
  },
];
for (const { name, tokenizer } of [...oracles(), ...small]) {
  Deno.test(`${name}: Hugging Face's Rust library reads our tokenizer.json and gives our ids and texts`, async () => {
    // Lone surrogates cannot be passed to Rust.
    const texts = oracles()[0]!.cases.map(({ text }) => text).filter((text) => text.isWellFormed());
    const seen = await seenBy(tokenizer, texts);
    for (const [i, { ids, decoded }] of seen?.entries() ?? []) {
      assert.deepEqual(ids, [...tokenizer.encode(texts[i]!)], JSON.stringify(texts[i]));
      assert.equal(decoded, tokenizer.decode(ids), JSON.stringify(texts[i]));
    }
  });
}
