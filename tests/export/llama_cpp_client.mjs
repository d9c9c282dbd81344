/**
 * llama.cpp opens a GGUF file: `node llama_cpp_client.mjs PACKAGES MODEL` reads `{ texts, ids, tokens }` from standard input and answers with the
 * ids of each text and what they decode to, the logits behind each of `ids`, and the `tokens` likeliest tokens that follow them.
 */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [packages, modelPath] = process.argv.slice(2);
const { getLlama } = await import(pathToFileURL(createRequire(`${packages}/`).resolve("node-llama-cpp")));
let input = "";
for await (const part of process.stdin) input += part;
const { texts, ids, tokens } = JSON.parse(input);

const llama = await getLlama({ build: "never", gpu: false, logLevel: "error" });
const model = await llama.loadModel({ modelPath });
// By default llama.cpp rounds keys and values to 16 bits, in its caches and inside of flash attention.
const exact = { flashAttention: false, experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32" };
const context = await model.createContext({ contextSize: 256, threads: 1, ...exact });
const sequence = context.getSequence();

const answers = await sequence.controlledEvaluate(ids.map((id) => [id, { generateNext: { logits: true } }]));
const logits = answers.map(({ next }) =>
  Array.from({ length: model.fileInfo.metadata.llama.vocab_size }, (_, id) => next.logits.get(id))
);
await sequence.clearHistory();
const following = [];
for await (const token of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
  following.push(token);
  if (following.length === tokens) break;
}
const encoded = texts.map((text) => model.tokenize(text));
const decoded = encoded.map((found) => model.detokenize(found));
const architecture = model.fileInfo.metadata.general.architecture;
process.stdout.write(
  `${JSON.stringify({ encoded, decoded, logits, following, architecture })}\n`,
  () => process.exit(0),
);
