/** One trained model in the engine: weights on the executor, tokenizer, and the caches after its meta tokens. */
import { HymbaConfig } from "../../config/mod.ts";
import { HymbaError } from "../../errors.ts";
import { type MetaPrefix, metaPrefix } from "../../infer/meta_prefix.ts";
import { DecodeSession } from "../../infer/session.ts";
import { TextStream } from "../../infer/text_stream.ts";
import { fittingWeights } from "../../params/fitting.ts";
import { requireOwnWeights } from "../../params/own_weights.ts";
import { decodeSafetensors } from "../../params/safetensors.ts";
import { parameterCount } from "../../params/specs.ts";
import { ParameterStore } from "../../params/store.ts";
import type { Executor } from "../../plan/mod.ts";
import { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { fetchBytes } from "../fetched.ts";
import type { ModelSource } from "./messages.ts";

/** Reads a tokenizer. Throws a HymbaError when it is not the one of the run. */
async function readTokenizer({ file, sha256 }: ModelSource["tokenizer"]): Promise<Tokenizer> {
  const bytes = await fetchBytes(file);
  const tokenizer = file.endsWith(".json")
    ? await Tokenizer.openJson(new TextDecoder().decode(bytes), { name: file })
    : Tokenizer.fromModelBytes(bytes, { name: file });
  if (tokenizer.hash === sha256) return tokenizer;
  throw new HymbaError(`${file} is not the tokenizer of this run`, { expected: sha256, got: tokenizer.hash });
}

export class LoadedModel {
  #prefix: Promise<MetaPrefix> | undefined;

  private constructor(
    readonly executor: Executor,
    readonly store: ParameterStore,
    readonly tokenizer: Tokenizer,
    readonly sequenceLength: number,
  ) {}

  /** Reads tokenizer and weights. Throws a HymbaError when they do not fit. */
  static async load(executor: Executor, { file, tokenizer: own, sequenceLength, tiles, ...source }: ModelSource) {
    const { arm, stage, config: options } = source;
    const config = new HymbaConfig(options), tokenizer = await readTokenizer(own);
    const { tensors, metadata } = decodeSafetensors(await fetchBytes(file), { name: file });
    requireOwnWeights(file, { metadata, wanted: { arm, stage, tokenizer: tokenizer.hash } });
    executor.useTiles?.(tiles);
    const store = new ParameterStore(config);
    store.write(executor, fittingWeights(config, { tensors, name: file }));
    return new LoadedModel(executor, store, tokenizer, sequenceLength);
  }

  get config(): HymbaConfig {
    return this.store.config;
  }

  get parameters(): number {
    return parameterCount(this.config);
  }

  /** The tokens of a text. Throws a HymbaError when there are fewer than `least`. */
  tokensOf(text: string, { least = 1 } = {}): Uint32Array<ArrayBuffer> {
    const ids = Uint32Array.from(this.tokenizer.encode(text));
    if (ids.length >= least) return ids;
    throw new HymbaError("the text is too short", { expected: `${least} tokens or more`, got: String(ids.length) });
  }

  /** The text that each token adds: together the whole text. */
  textsOf(ids: Uint32Array): string[] {
    const stream = new TextStream(this.tokenizer, { continues: false });
    const texts = Array.from(ids, (id) => stream.push(id).text), { text } = stream.finish();
    const last = texts.pop();
    return last === undefined ? [] : [...texts, last + text];
  }

  /** A session for one sequence of at most `length` tokens of text. */
  async session(length: number): Promise<DecodeSession> {
    const prefix = await (this.#prefix ??= metaPrefix(this.executor, this.store));
    return await DecodeSession.create(this.executor, this.store, { B: 1, length, prefix });
  }
}
