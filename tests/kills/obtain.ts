/** Downloads a corpus like `--data NAME`, from the server at OBTAIN_URL. Prints its length and SHA-256. */
import { resolveCorpus } from "../../core/data/corpus.ts";

const [bytes, sha256 = ""] = (Deno.env.get("OBTAIN_WHAT") ?? "").split(" ");
const corpus = await resolveCorpus({
  data: "served",
  corpora: [{
    name: "served",
    title: "A text from this machine",
    source: { kind: "url", url: Deno.env.get("OBTAIN_URL") ?? "" },
    bytes: Number(bytes),
    sha256,
    licence: "none",
    origin: "made up",
  }],
});
console.log(corpus.bytes, corpus.sha256);
