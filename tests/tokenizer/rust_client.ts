/**
 * Hugging Face's own library, in Rust, reads a `tokenizer.json`: `deno run -A rust_client.ts FILE`, texts as a JSON list on
 * standard input; prints, as one JSON list, the ids of each text and what those ids decode to. A separate process, because
 * the package is not in the lock file.
 */
const LIBRARY = "npm:tokenizers@0.23.2";

interface RustTokenizer {
  encode(text: string, pair: null, options: { addSpecialTokens: boolean }): Promise<{ getIds(): number[] }>;
  decode(ids: number[], skipSpecialTokens: boolean): Promise<string>;
}

const { Tokenizer }: { Tokenizer: { fromFile(path: string): RustTokenizer } } = await import(LIBRARY);
const tokenizer = Tokenizer.fromFile(Deno.args[0]!), texts: string[] = await new Response(Deno.stdin.readable).json();
const seen: { ids: number[]; decoded: string }[] = [];
for (const text of texts) {
  const ids = (await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds();
  seen.push({ ids, decoded: ids.length > 0 ? await tokenizer.decode(ids, false) : "" });
}
console.log(JSON.stringify(seen));
