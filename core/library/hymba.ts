/**
 * This folder: the classes and functions of the library; the engine is loaded when a model is made.
 * One model, used alone. Importing this file loads no engine: `create` and `load` do.
 */
import { HymbaConfig, type HymbaOptions } from "../config/mod.ts";
import { UsageError } from "../errors.ts";
import { at, mean } from "../lists.ts";
import { parameterCount } from "../params/specs.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import type { Engine, Rows } from "./engine.ts";
import { isList, pathGiven, requireGiven, requireOptions, requireSignal, shown } from "../given.ts";
import { Generation } from "./generation.ts";
import type {
  Device,
  EvaluateOptions,
  Evaluation,
  GenerateOptions,
  GenerateTextOptions,
  HymbaCreateOptions,
  HymbaLoadOptions,
  TokenIds,
} from "./options.ts";

/** Largest length or batch of an evaluation. */
const MOST_SIZE = 2 ** 20;

/** The engine of a model, for the other files of the library. */
export let engineOf: (model: Hymba) => Engine;

/** One model with its weights on an executor. Close it when done, or declare it with `await using`. Its calls may overlap. */
export class Hymba implements AsyncDisposable {
  /** The checked configuration. */
  readonly config: HymbaConfig;
  /** The tokenizer that a loaded model was trained with, or that `create` was given. */
  readonly tokenizer: Tokenizer | undefined;
  #engine: Engine | undefined;

  static {
    engineOf = (model) => {
      const isModel = typeof model === "object" && model !== null && #engine in model;
      requireGiven(isModel, "the model is wrong", { expected: "a Hymba", value: model });
      return model.#open;
    };
  }

  private constructor(engine: Engine, tokenizer?: Tokenizer) {
    this.#engine = engine;
    this.config = engine.config;
    this.tokenizer = tokenizer;
  }

  /**
   * Opens a backend (a GPU when there is one, else the processor) and draws start values. Throws UsageError for a configuration, seed or
   * tokenizer that makes no model, HymbaError when the backend cannot be opened.
   *
   * @example
   * ```ts
   * import { Hymba } from "@hymba/hymba";
   *
   * await using model = await Hymba.create({ vocabSize: 400, dModel: 32, nLayers: 3, nHeads: 4, nKvHeads: 2 }, { seed: 7 });
   * console.log(model.parameters, model.device.name);
   * ```
   */
  static async create(
    config: HymbaConfig | Partial<HymbaOptions>,
    options: HymbaCreateOptions = {},
  ): Promise<Hymba> {
    requireOptions(options, "create");
    const { seed = 1, tokenizer, ...backend } = options;
    const checked = config instanceof HymbaConfig ? config : new HymbaConfig(config);
    if (tokenizer !== undefined) requireTokenizer(tokenizer);
    if (tokenizer && tokenizer.vocabSize > checked.vocabSize) {
      throw new UsageError("the tokenizer has ids that the model does not know", {
        expected: `at most ${checked.vocabSize}, the model's vocabSize`,
        got: `${tokenizer.vocabSize}`,
      });
    }
    const { openEngine } = await import("./engine.ts"), engine = await openEngine(checked, backend);
    try {
      engine.start(seed);
      return new Hymba(engine, tokenizer);
    } catch (cause) {
      await engine.close();
      throw cause;
    }
  }

  /**
   * Loads a trained model with its tokenizer. `path` is the folder of a run, weights in it
   * (`RUN/arms/hymba-1/pretraining.safetensors`), checkpoints that {@link saveCheckpoint} wrote, or the `http` address of a run; in a
   * browser, addresses are relative to the page. Throws UsageError when there is no such model, HymbaError when a file is damaged.
   *
   * @example
   * ```ts ignore
   * await using model = await Hymba.load("results/runs/quick-tinyshakespeare", { model: "hymba" });
   * for await (const text of model.generate("ROMEO:", { temperature: 0.8, stop: "\n\n" })) console.log(text);
   * ```
   */
  static async load(path: string, options: HymbaLoadOptions = {}): Promise<Hymba> {
    requireOptions(options, "load");
    const folder = pathGiven(path, "load"), { loadModel } = await import("./load.ts");
    const { engine, tokenizer } = await loadModel(folder, options);
    return new Hymba(engine, tokenizer);
  }

  /** Numbers that training adjusts. */
  get parameters(): number {
    return parameterCount(this.config);
  }

  /** The backend. */
  get device(): Device {
    return this.#open.device;
  }

  /** Replaces the weights by those of safetensors bytes. Throws a HymbaError that names the tensor that does not fit; the old weights stay then. */
  loadWeights(bytes: Uint8Array<ArrayBuffer>, { name = "weights" }: { name?: string } = {}): void {
    requireGiven(bytes instanceof Uint8Array, "the weights are wrong", {
      expected: "the bytes of a safetensors file, a Uint8Array",
      value: bytes,
    });
    this.#open.readWeights(bytes, name);
  }

  /** The weights as safetensors bytes, float32, with the names of `core/params/specs.ts`. */
  async saveWeights(): Promise<Uint8Array<ArrayBuffer>> {
    const tokenizer = this.tokenizer?.hash;
    return await this.#open.weights({ arm: this.config.archType, ...tokenizer !== undefined && { tokenizer } });
  }

  /**
   * One forward pass. With `targets` [B][T], the tokens that follow: the mean loss in nats per token and the log-probability
   * of each target [B · T]. Without: the logits [B · T · V], row by row. Throws UsageError when shapes or ids do not fit.
   */
  forward(ids: TokenIds, options: { targets: TokenIds }): Promise<{ loss: number; logp: Float32Array }>;
  /** Without targets: the logits. */
  forward(ids: TokenIds, options?: { targets?: undefined }): Promise<{ logits: Float32Array }>;
  async forward(
    ids: TokenIds,
    options: { targets?: TokenIds } = {},
  ): Promise<{ loss: number; logp: Float32Array } | { logits: Float32Array }> {
    requireOptions(options, "forward");
    const { targets } = options, rows = this.#flat(ids);
    if (targets === undefined) return { logits: await this.#open.logits(rows) };
    const wanted = this.#flat(targets);
    if (wanted.B !== rows.B || wanted.T !== rows.T) {
      throw new UsageError("forward: targets do not fit the ids", {
        expected: `[${rows.B}][${rows.T}]`,
        got: `[${wanted.B}][${wanted.T}]`,
      });
    }
    const logp = await this.#open.logp(rows, wanted.flat);
    return { loss: -mean(logp), logp };
  }

  /**
   * Continues a text, of a model with a tokenizer. Await the result for the new text, or loop over it with `for await` for parts of it,
   * whole characters only. Throws UsageError for an empty text and for options out of range.
   */
  generate(prompt: string, options?: GenerateTextOptions): Generation<string, string>;
  /**
   * Continues each sequence. Await the result for the new tokens, [B][maxNewTokens], or loop over it with `for await` for the next token
   * of each, [B], as they are made. Throws UsageError for ids or options out of range.
   */
  generate(ids: TokenIds, options?: GenerateOptions): Generation<number[], number[][]>;
  generate(
    prompt: string | TokenIds,
    options: GenerateTextOptions = {},
  ): Generation<string, string> | Generation<number[], number[][]> {
    requireOptions(options, "generate");
    requireSignal(options.signal, "generate");
    if (typeof prompt === "string") return new Generation(() => this.#text(prompt, options), (parts) => parts.join(""));
    return new Generation(() => this.#tokens(prompt, options), bySequence);
  }

  /**
   * How well the model predicts a text, or token ids, in windows of `length` tokens. Throws UsageError for less than two tokens, and for
   * a text when the model has no tokenizer.
   */
  async evaluate(
    text: string | ArrayLike<number>,
    options: EvaluateOptions = {},
  ): Promise<Evaluation> {
    requireOptions(options, "evaluate");
    requireSignal(options.signal, "evaluate");
    const { length: T = 128, batch: B = 8, signal } = options;
    requireGiven(isList(text) || typeof text === "string", "evaluate: the text is wrong", {
      expected: "a string, or a list of token ids",
      value: text,
    });
    const ids = typeof text === "string" ? this.#required().encode(text) : Uint32Array.from(text);
    if (ids.length < 2) {
      throw new UsageError("the text is too short", { expected: "two tokens or more", got: `${ids.length}` });
    }
    this.#requireKnown([ids]);
    const sizes = { length: T, batch: B };
    for (const [name, size] of Object.entries(sizes)) {
      if (Number.isSafeInteger(size) && size > 0 && size <= MOST_SIZE) continue;
      throw new UsageError(`evaluate: ${name} is out of range`, {
        expected: `a whole number from 1 to ${MOST_SIZE}`,
        got: shown(size),
      });
    }
    const loss = -mean(await this.#open.tokenLogps(ids, { B, T, signal })), tokens = ids.length - 1;
    const bytes = this.tokenizer ? bytesOf(this.tokenizer, { text, ids }) : NaN;
    return { loss, perplexity: Math.exp(loss), bitsPerByte: loss * tokens / (bytes * Math.LN2), tokens };
  }

  /** Frees the weights and the backend. Calling it again does nothing. */
  async close(): Promise<void> {
    const engine = this.#engine;
    this.#engine = undefined;
    await engine?.close();
  }

  /** The same as {@link Hymba.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get #open(): Engine {
    if (this.#engine) return this.#engine;
    throw new UsageError("the model is closed", { hint: "call close when it is not used any more" });
  }

  #required(): Tokenizer {
    if (this.tokenizer) return this.tokenizer;
    throw new UsageError("the model has no tokenizer", {
      expected: "token ids in place of a text",
      hint: "loaded models have a tokenizer; Hymba.create takes one",
    });
  }

  async *#text(prompt: string, { stop = [], ...options }: GenerateTextOptions): AsyncGenerator<string, void, void> {
    const tokenizer = this.#required(), ids = tokenizer.encode(prompt);
    if (ids.length === 0) throw new UsageError("the prompt is empty", { expected: "at least one token of text" });
    const stops = typeof stop === "string" ? [stop] : stop;
    requireGiven(
      Array.isArray(stops) && stops.every((text) => typeof text === "string"),
      "generate: stop is wrong",
      { expected: "a string, or a list of strings", value: stop },
    );
    yield* this.#open.write(tokenizer, ids, { ...samplingOf(options), stops });
  }

  async *#tokens(ids: TokenIds, options: GenerateOptions): AsyncGenerator<number[], void, void> {
    this.#requireKnown(ids);
    const rows = ids.map((row) => Uint32Array.from(row));
    for await (const turns of this.#open.draw(rows, samplingOf(options))) for (const turn of turns) yield [...turn];
  }

  #flat(ids: TokenIds): Rows {
    this.#requireKnown(ids);
    const B = ids.length, T = at(ids, 0).length;
    if (ids.some((row) => row.length !== T)) {
      throw new UsageError("forward: the sequences have different lengths", {
        expected: `${T} ids in each`,
        got: ids.map(({ length }) => length).join(", "),
      });
    }
    return { flat: Uint32Array.from(ids.flatMap((row) => [...row])), B, T };
  }

  /** Throws UsageError unless there are sequences of at least one id, all of them below V. */
  #requireKnown(ids: TokenIds): void {
    const V = this.config.vocabSize,
      known = (id: unknown) => typeof id === "number" && Number.isInteger(id) && id >= 0 && id < V;
    const fits = (row: unknown) => isList(row) && row.length > 0 && Array.from(row).every(known);
    if (Array.isArray(ids) && ids.length > 0 && ids.every(fits)) return;
    throw new UsageError("the token ids do not fit the model", {
      expected: `one sequence or more, each of at least one id, ids from 0 to ${V - 1}`,
      got: shown(ids),
    });
  }
}

function requireTokenizer(tokenizer: Tokenizer): void {
  const holds = typeof tokenizer === "object" && tokenizer !== null && Number.isInteger(tokenizer.vocabSize);
  requireGiven(holds, "create: the tokenizer is wrong", { expected: "a Tokenizer", value: tokenizer });
}

/** The options under the names of the engine. */
const samplingOf = ({ maxNewTokens: newTokens = 100, temperature = 1, seed = 1, ...more }: GenerateOptions) => ({
  newTokens,
  temperature,
  seed,
  ...more,
});

/** Tokens by sequence, of tokens by turn. */
const bySequence = (turns: number[][]): number[][] => (turns[0] ?? []).map((_, b) => turns.map((turn) => at(turn, b)));

/**
 * Bytes of UTF-8 of all tokens except the first. A tokenizer may change the text, so the text itself is used if it is known.
 */
function bytesOf(tokenizer: Tokenizer, { text, ids }: { text: unknown; ids: Uint32Array }): number {
  if (typeof text === "string") return new TextEncoder().encode(text).length - tokenizer.bytesOf(at(ids, 0));
  return ids.subarray(1).reduce((sum, id) => sum + tokenizer.bytesOf(id), 0);
}
