/** Fetches a corpus as `--data NAME` does, from the server that OBTAIN_URL names, and prints its length and SHA-256. */
import { resolveCorpus } from "../../core/data/corpus.ts";

const [bytes, sha256] = Deno.env.get("OBTAIN_WHAT")!.split(" ");
const corpus = await resolveCorpus({
  data: "served",
  corpora: [{
    name: "served",
    title: "A text from this machine",
    source: { kind: "url", url: Deno.env.get("OBTAIN_URL")! },
    bytes: Number(bytes),
    sha256: sha256!,
    licence: "none",
    origin: "made up",
  }],
});
console.log(corpus.bytes, corpus.sha256);
