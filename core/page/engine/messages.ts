/** The requests of the page to an engine in a worker, and the answers. */
import type { HymbaOptions } from "../../config/mod.ts";
import type { SamplingOptions } from "../../infer/generate.ts";

/** Where to compute. `auto`: WebGPU if the browser has a GPU, else the processor. */
export type Where = "auto" | "webgpu" | "cpu";

/** A trained model beside the page. Its file names it. */
export interface ModelSource {
  readonly file: string;
  readonly arm: string;
  readonly stage: string;
  readonly config: Partial<HymbaOptions>;
  readonly sequenceLength: number;
  readonly tokenizer: { readonly file: string; readonly sha256: string };
  readonly tiles: Readonly<Record<string, string>>;
}

export type Draws = Omit<SamplingOptions, "numbers" | "signal">;

/** The requests, each with its answer and with its messages before the answer. */
export interface Tasks {
  /** Opens the executor. Answers with a description of it. */
  open: { asked: { where: Where }; answer: Computer; part: never };
  /** Reads weights and tokenizer. A loaded model is not read again. */
  load: { asked: { model: ModelSource }; answer: { readonly parameters: number }; part: never };
  /** Continues a prompt; each new token comes as it is drawn. */
  write: { asked: { file: string; prompt: string; draws: Draws }; answer: Written; part: Drawn };
  /** Stops the generation. */
  stop: { asked: { file: string }; answer: undefined; part: never };
  attention: { asked: { file: string; text: string; layer: number }; answer: AttentionView; part: never };
  states: { asked: { file: string; text: string; layer: number }; answer: StatesView; part: never };
  surprise: { asked: { file: string; text: string }; answer: SurpriseView; part: never };
}

export type TaskName = keyof Tasks;

/** A message to the engine: the answer has its number. */
export type Question = {
  readonly [T in TaskName]: { readonly id: number; readonly task: T } & Tasks[T]["asked"];
}[TaskName];

/** A message of the engine. */
export type Reply =
  | { readonly id: number; readonly part: unknown }
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: string };

/** What computes. */
export interface Computer {
  readonly backend: "webgpu" | "cpu";
  readonly name: string;
}

export interface Drawn {
  readonly id: number;
  /** The text that it adds; empty while a character is not complete. */
  readonly text: string;
  /** The token alone: its text, or the name of its piece if it is a part of a character. */
  readonly name: string;
  /** Its probability under the model, at temperature 1 and without limits. */
  readonly probability: number;
  /** The likeliest tokens with their probabilities, likeliest first. */
  readonly likeliest: readonly (readonly [name: string, probability: number])[];
  /** Seconds since the first draw began. */
  readonly seconds: number;
}

export interface Written {
  /** The end of the text, where its last character was not complete. */
  readonly rest: string;
  readonly tokens: number;
  readonly seconds: number;
  readonly cacheBytes: number;
  readonly stopped: boolean;
}

export interface AttentionView {
  /** Labels of the positions; the meta tokens are first. */
  readonly labels: readonly string[];
  readonly meta: number;
  /** 0: the layer sees everything before. */
  readonly window: number;
  readonly heads: number;
  /** [heads, positions, positions]. */
  readonly probabilities: Float32Array;
}

export interface StatesView {
  readonly labels: readonly string[];
  readonly channels: number;
  readonly size: number;
  /** [tokens, channels, size]: the state after each token. */
  readonly states: Float32Array;
}

export interface SurpriseView {
  readonly tokens: readonly string[];
  /** Nats of each token but the first. */
  readonly nats: Float32Array;
  readonly bytes: number;
}
