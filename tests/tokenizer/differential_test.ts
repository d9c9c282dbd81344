/** A few seconds of the campaigns (`differential.ts`, `train_corpora.ts`); continuous integration takes a minute for the first. */
import assert from "node:assert/strict";
import { compare } from "./differential.ts";
import { spmInstalled } from "./spm.ts";
import { trainOn } from "./train_corpora.ts";

const seconds = Number(Deno.env.get("HYMBA_DIFFERENTIAL_SECONDS") ?? 6);
const ignore = !await spmInstalled();

Deno.test(`random files and texts give the ids, texts and offsets of other programs, for ${seconds} seconds`, async () => {
  const { pairs, counts } = await compare({ seed: 20261201, seconds });
  console.log(JSON.stringify({ pairs, ...counts }));
  assert.ok(pairs >= 50 && (counts.JavaScript ?? 0) > 0);
  if (!ignore) assert.ok((counts.SentencePiece ?? 0) >= 50);
});

Deno.test({
  name: "what spm_train trains on is trained on here: 40 corpora",
  ignore,
  fn: async () => {
    const counts = await trainOn({ seed: 20261201, corpora: 40 });
    assert.ok(counts.both >= 20, JSON.stringify(counts));
  },
});
