/**
 * Hugging Face's own library, in Rust, reads a `tokenizer.json`. `deno run -A rust_client.ts` answers each line of standard
 * input, `{ json, texts, skipsSpecial }`, with a line: for each text its ids, what they decode to, and the offsets of the tokens in
 * characters; or `{ "refused": WHY }`. It is a process of its own because the package is not in the lock file.
 */
import { TextLineStream } from "./lines.ts";

const LIBRARY = "npm:tokenizers@0.23.2";

interface RustEncoding {
  getIds(): number[];
  getOffsets(): [number, number][];
}
interface RustTokenizer {
  encode(text: string, pair: null, options: { addSpecialTokens: boolean }): Promise<RustEncoding>;
  decode(ids: number[], skipSpecialTokens: boolean): Promise<string>;
}

const { Tokenizer }: { Tokenizer: { fromString(json: string): RustTokenizer } } = await import(LIBRARY);

async function answer(line: string) {
  const { json, texts, skipsSpecial }: { json: string; texts: string[]; skipsSpecial: boolean } = JSON.parse(line);
  let tokenizer: RustTokenizer;
  try {
    tokenizer = Tokenizer.fromString(json);
  } catch (error) {
    return { refused: String(error) };
  }
  return await Promise.all(texts.map(async (text) => {
    const encoding = await tokenizer.encode(text, null, { addSpecialTokens: false }), ids = encoding.getIds();
    const decoded = ids.length > 0 ? await tokenizer.decode(ids, skipsSpecial) : "";
    return { ids, decoded, offsets: encoding.getOffsets() };
  }));
}

const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
for await (const line of lines) console.log(JSON.stringify(await answer(line)));
