/**
 * Random tokenizer files and texts, compared with the programs that such files come from:
 *
 *     deno run -A --no-check --lock=tests/deno.lock --frozen tests/tokenizer/differential.ts --pairs 1000000 --seed 1
 *
 * A pair is a file and a text. `.model` files are compared with SentencePiece (Debian package `sentencepiece`), with Hugging
 * Face's library in Rust and with the one in JavaScript through our `tokenizer.json`; other `tokenizer.json` files with Rust.
 * Ids, decoded texts and offsets must be equal. Differences that are known, and why, are in docs/tokenizer.md.
 * `--first N --files 1` repeats file N. `--seconds S` ends after S seconds.
 */
import { parseArgs } from "node:util";
import { Dice } from "../fuzz/dice.ts";
import { compareForeign } from "./differential/foreign.ts";
import { compareWritten } from "./differential/written.ts";
import type { Counts } from "./differential/report.ts";
import { compareWithSentencePiece, modelCase } from "./differential/sentencepiece.ts";
import { RustLibrary } from "./rust_library.ts";
import { spmInstalled } from "./spm.ts";

/** Texts for each file. */
const TEXTS = 50;

/** How much to compare. */
export interface Campaign {
  seed: number;
  pairs?: number;
  files?: number;
  seconds?: number;
  first?: number;
  /** Told the counts after every hundred files. */
  onProgress?: (pairs: number, counts: Counts) => void;
}

/** Compares until enough is done, and returns how many pairs were compared with any program, and with each. @throws {Difference} at the first one. */
export async function compare(
  { seed, pairs = Infinity, files = Infinity, seconds = Infinity, first = 0, onProgress }: Campaign,
): Promise<{ pairs: number; counts: Counts }> {
  const rust = new RustLibrary(), counts: Counts = {}, start = performance.now();
  const hasSentencePiece = await spmInstalled();
  const compared = () => Object.values(counts).reduce((sum, count) => sum + count, 0);
  let done = 0;
  try {
    for (let file = first; file < first + files && done < pairs; file++) {
      if (performance.now() - start > 1000 * seconds) break;
      const before = compared(), dice = new Dice(seed, file), kind = file % 4, given = { seed, file };
      if (kind < 2) {
        const made = modelCase(dice, { texts: TEXTS, exact: kind === 1 });
        if (hasSentencePiece) {
          await compareWithSentencePiece(made, { place: { ...given, program: "SentencePiece" }, counts, dice });
        }
        if (kind === 1) await compareWritten(made, { rust, given, counts });
      } else await compareForeign(dice, { rust, given, counts, texts: TEXTS });
      if (compared() > before) done += TEXTS;
      if ((file + 1 - first) % 100 === 0) onProgress?.(done, counts);
    }
  } finally {
    await rust.close();
  }
  return { pairs: done, counts };
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      pairs: { type: "string", default: "Infinity" },
      seed: { type: "string", default: "1" },
      first: { type: "string", default: "0" },
      files: { type: "string", default: "Infinity" },
      seconds: { type: "string", default: "Infinity" },
    },
  });
  const { pairs, seed, first, files, seconds } = values;
  const show = (pairs: number, counts: Counts) => console.log(`seed=${seed} pairs=${pairs} ${JSON.stringify(counts)}`);
  const found = await compare({
    pairs: Number(pairs),
    seed: Number(seed),
    first: Number(first),
    files: Number(files),
    seconds: Number(seconds),
    onProgress: show,
  });
  show(found.pairs, found.counts);
}
