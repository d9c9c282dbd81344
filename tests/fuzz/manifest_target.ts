import { strict as assert } from "node:assert";
import { sha256 } from "../../core/disk/mod.ts";
import { decodeManifest, encodeManifest } from "../../core/params/manifest.ts";
import type { Dice } from "./dice.ts";
import type { FuzzTarget } from "./targets.ts";

/** Some digests. Their values do not matter to the reader, and hashing takes as long as reading. */
const DIGESTS = Array.from({ length: 1000 }, (_, i) => sha256(String(i)));
const FILES = ["weights.safetensors", "state.json", "first_moments.safetensors"];

function generate(dice: Dice): { bytes: Uint8Array<ArrayBuffer>; sound: boolean } {
  const digest = () => ({ bytes: dice.below(2 ** 31), sha256: dice.pick(DIGESTS) });
  const manifest = {
    format: 1,
    number: dice.below(1000),
    stage: dice.pick(["pretrain", "orpo", "", "é\u0000"]),
    step: dice.below(2 ** 31),
    score: dice.pick([null, 0, 1.5, -1e300]),
    log: dice.once(2) ? null : digest(),
    files: Object.fromEntries(FILES.slice(dice.below(4)).map((file) => [file, digest()])),
  };
  const sound = dice.once(2);
  if (!sound) {
    const wrong: object = dice.pick([
      { number: -1 },
      { step: 0.5 },
      { stage: null },
      { score: "1" },
      { log: {} },
      { files: { "../x.json": digest() } },
      { files: { "manifest.json": digest() } },
      { files: { "a.json": { bytes: 1, sha256: "0" } } },
    ]);
    Object.assign(manifest, wrong);
  }
  return { bytes: new TextEncoder().encode(encodeManifest(manifest)), sound };
}

/** Only the exact text of a manifest is accepted, so an accepted manifest must encode to the input again. */
function parse(bytes: Uint8Array<ArrayBuffer>): boolean {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const manifest = decodeManifest(text, { name: "input" });
  if (manifest === undefined) return false;
  assert.equal(encodeManifest(manifest), text);
  for (const file of Object.keys(manifest.files)) assert(/^[a-z][a-z0-9_-]*\.(safetensors|json)$/.test(file), file);
  return true;
}

/** The reader of a checkpoint's manifest. */
export const manifestTarget: FuzzTarget = { generate, parse };
