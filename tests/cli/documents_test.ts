/** Commands that need no run: documents, checks of models, and the machine. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { hymba, makePlace } from "./command_line.ts";

const place = await makePlace();

Deno.test("architecture and review write a page and print its path", async () => {
  for (const [command, file] of [["architecture", "architecture.html"], ["review", "review.html"]] as const) {
    const { code, out, error } = await hymba(place, command);
    assert.equal(code, 0, error);
    assert.equal(out, `wrote ${file}\n`);
    assert.match(await Deno.readTextFile(join(place.folder, file)), /^<!doctype html>/);
  }
});

Deno.test("profile seed: the documented block's page, and a run of it that can be verified", async () => {
  const page = await hymba(place, "architecture", "--profile", "seed", "--model", "hybrid-paper", "--json");
  assert.equal(page.code, 0, page.error);
  assert.match(await Deno.readTextFile(join(place.folder, "architecture-hybrid-paper.html")), /66,662,415/);
  // The random text is too small for the lossy tokenizer, whose pieces have no spaces.
  const documents = ["README.md", "docs/decisions.md"].map((name) => new URL(`../../${name}`, import.meta.url));
  const book = join(place.folder, "documents.txt"), parts = documents.map((url) => Deno.readTextFile(url));
  await Deno.writeTextFile(book, (await Promise.all(parts)).join("\n"));
  const words = ["--preset", "smoke", "--backend", "cpu", "--data", book, "--steps", "2", "--orpo-steps", "1"];
  const run = await hymba(place, "ablate", "--profile", "seed", "--models", "hybrid-paper", ...words, "--out", "seed");
  assert.equal(run.code, 0, run.error);
  assert.match(run.out, /^hybrid-paper /m);
  const text = await Deno.readTextFile(join(place.folder, "seed/detailed_metrics.txt"));
  assert.match(text, /profile +seed: the documented study, unchanged/);
  assert.match(text, /shuffled sequences, 90\.0 % of them/);
  const verified = await hymba(place, "verify", "seed", "--backend", "cpu", "--data", book);
  assert.equal(verified.code, 0, verified.out + verified.error);
});

Deno.test("profile seed with its cropped mask: the check of the model fails, exit code 1", async () => {
  const { code, out } = await hymba(place, "causality", "--profile", "seed", "--reproduce-leak", "--backend", "cpu");
  assert.equal(code, 1);
  assert.match(out, /hybrid-paper +32 +31 +[1-9]\d* +[1-9]\d* +LEAKS/);
  assert.match(out, /0 of 256 +255 of 256 +128 of 256[^]*0 passed, 3 failed/);
});

Deno.test("architecture draws one sheet as SVG or PNG, by the extension of the file", async () => {
  for (const [file, begin] of [["a.svg", /^<svg /], ["a.png", /^.PNG\r\n/]] as const) {
    const { code, error } = await hymba(place, "architecture", "--preset", "smoke", "--out", file);
    assert.equal(code, 0, error);
    assert.match(new TextDecoder("latin1").decode(await Deno.readFile(join(place.folder, file))), begin);
  }
});

Deno.test("causality prints a verdict for every length", async () => {
  const { code, out } = await hymba(place, "causality", "--models", "mamba", "--backend", "cpu");
  assert.equal(code, 0);
  assert.match(out, /mamba .* causal\n/);
  assert.match(out, /\d+ passed, 0 failed\n$/);
});

Deno.test("doctor describes the machine, for people and for programs", async () => {
  const { out } = await hymba(place, "doctor", "--json");
  assert.ok("machine" in JSON.parse(out));
});
