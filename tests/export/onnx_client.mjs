/**
 * ONNX Runtime computes exported models: `node onnx_client.mjs PACKAGES` reads a list of `{ path, ids }` from standard input and answers with the logits
 * of each, [B * T * V].
 */
import { createRequire } from "node:module";

const require = createRequire(`${process.argv[2]}/`), ort = require("onnxruntime-node");
let input = "";
for await (const part of process.stdin) input += part;
const answers = [];
for (const { path, ids } of JSON.parse(input)) {
  const session = await ort.InferenceSession.create(path, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const shape = [ids.length, ids[0].length];
  const { logits } = await session.run({
    input_ids: new ort.Tensor("int64", BigInt64Array.from(ids.flat(), BigInt), shape),
  });
  answers.push({ shape: logits.dims, logits: Array.from(logits.data) });
  await session.release();
}
process.stdout.write(`${JSON.stringify(answers)}\n`, () => process.exit(0));
