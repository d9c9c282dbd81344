/** The data that the tokenizer is compared with, and where it is. Tests whose data is missing say so and are skipped. */
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Tokenizer } from "../../core/tokenizer/mod.ts";

/** One text as SentencePiece encodes it. */
export interface OracleCase {
  text: string;
  ids: number[];
  decoded: string;
  /** The four best segmentations; empty if they were not computed. */
  nbest4: number[][];
}

/** A model of SentencePiece with its encodings. */
export interface Oracle {
  name: string;
  bytes: Uint8Array;
  tokenizer: Tokenizer;
  cases: OracleCase[];
  /** Ids of the whole corpus, if available. */
  whole: Uint16Array | undefined;
}

const FIXTURES = new URL("fixtures/", import.meta.url);
const SHARED = new URL("../../../shared/tokenizer/", import.meta.url);
const NAMES = ["uni1000_nl", "uni4000_bytefb_nl", "uni4000_default"];

function read(path: URL): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Every available oracle; the first one is always available. */
export function oracles(): Oracle[] {
  return NAMES.flatMap((name) => {
    const bytes = read(new URL(`${name}.model`, FIXTURES)) ?? read(new URL(`${name}.model`, SHARED));
    const cases = read(new URL(`${name}.enc200.json`, FIXTURES)) ?? read(new URL(`${name}.enc200.json`, SHARED));
    if (!bytes || !cases) {
      console.log(`skipped: no SentencePiece model ${name} at ${SHARED.pathname}`);
      return [];
    }
    const whole = read(new URL(`${name}.whole.u16`, SHARED));
    return [{
      name,
      bytes,
      tokenizer: Tokenizer.fromModelBytes(bytes, { name }),
      cases: JSON.parse(new TextDecoder().decode(cases)),
      whole: whole && new Uint16Array(whole.buffer),
    }];
  });
}

/** The Tiny Shakespeare corpus, or undefined with a printed reason. */
export function corpus(): string | undefined {
  const folder = Deno.env.get("HYMBA_DATA_DIR") ?? fileURLToPath(new URL("../../../shared/datasets", import.meta.url));
  const path = resolve(folder, "tinyshakespeare/input.txt"), bytes = read(pathToFileURL(path));
  if (!bytes) console.log(`skipped: no corpus at ${path} (set HYMBA_DATA_DIR)`);
  return bytes && new TextDecoder().decode(bytes);
}

/** A small text with every kind of input of a tokenizer, for tests without the corpus. */
export const SMALL_TEXT = readSmall();

function readSmall(): string {
  const cases: OracleCase[] = JSON.parse(new TextDecoder().decode(read(new URL("uni1000_nl.enc200.json", FIXTURES))));
  return cases.map(({ text }) => text.replaceAll("\0", "")).join("\n");
}
