/** The commands that are killed, each in a form that takes a few seconds. Paths are relative to the working folder. */
import { fileURLToPath } from "node:url";

/** A command, and how the results of two calls are compared. */
export interface Case {
  readonly name: string;
  readonly words: readonly string[];
  /** The run that it needs: none, one with only the first stage, or a finished one. */
  readonly on?: "pretrained" | "finished";
  /** The file on its standard input. */
  readonly input?: string;
  /** Whether its output is the same each time. */
  readonly prints?: boolean;
  /** Names of files with times. They are compared without the times (CSV), or only by their keys. */
  readonly timed?: readonly string[];
  /** A program to run in place of the command line. */
  readonly program?: string;
  /** It needs a WebGPU adapter. Without one it is left out. */
  readonly webgpu?: boolean;
}

const CPU = ["--backend", "cpu"], SMOKE = ["--preset", "smoke"], TEXT = ["--data", "text.txt"];
const TRAINING = [...SMOKE, ...CPU, ...TEXT, "--orpo-steps", "2"];

const FIRST_STAGE = [...SMOKE, ...CPU, ...TEXT, "--steps", "4"], RATES = ["--over", "pretraining.rate=1e-3,2e-3"];
/** A model that differs from hymba in one field. */
const PLAIN = ["--set", "arms.plain.from=hymba", "--set", "arms.plain.innerNorms=false"];

/** The commands that make the two runs. */
export const FINISHED = ["ablate", ...TRAINING, "--models", "hymba", "--steps", "4", "--out", "run"];
export const PRETRAINED = ["pretrain", ...TRAINING, "--model", "mamba", "--steps", "4", "--out", "run"];

const OBTAIN = fileURLToPath(new URL("obtain.ts", import.meta.url));
const MODEL = ["--model", "run/tokenizer.model"];

const artifact = (...words: string[]): Case => ({ name: words.join(" "), words: [...words, "run"], on: "finished" });

export const CASES: readonly Case[] = [
  // These have checkpoints at updates 20 and 22, and in the second stage.
  { name: "ablate", words: ["ablate", ...TRAINING, "--models", "mamba", "--steps", "22", "--out", "new"] },
  { name: "pretrain", words: ["pretrain", ...TRAINING, "--model", "hymba", "--steps", "22", "--out", "new"] },
  { name: "orpo", words: ["orpo", "run", ...CPU, ...TEXT], on: "pretrained" },
  {
    name: "recall",
    words: ["recall", ...SMOKE, ...CPU, "--models", "mamba", "--steps", "2", "--out", "new"],
    timed: ["recall.csv"],
  },
  {
    name: "sweep",
    words: ["sweep", ...FIRST_STAGE, "--models", "mamba", "--seeds", "1", ...RATES, "--extend", "1", "--out", "new"],
  },
  {
    name: "blame",
    words: ["blame", "hymba", "plain", ...FIRST_STAGE, ...PLAIN, "--seeds", "2", ...RATES, "--out", "new"],
  },
  { name: "evaluate", words: ["evaluate", "run", ...CPU, ...TEXT], on: "finished", prints: true },
  {
    name: "generate",
    words: ["generate", "run", ...CPU, "--prompt", "To be", "--tokens", "8"],
    on: "finished",
    prints: true,
  },
  {
    name: "tokenizer train",
    words: ["tokenizer", "train", "--input", "text.txt", "--vocab-size", "300", "--out", "new/tokenizer"],
    prints: true,
  },
  {
    name: "tokenizer encode",
    words: ["tokenizer", "encode", ...MODEL],
    on: "finished",
    input: "text.txt",
    prints: true,
  },
  {
    name: "tokenizer decode",
    words: ["tokenizer", "decode", ...MODEL],
    on: "finished",
    input: "ids.txt",
    prints: true,
  },
  {
    name: "tokenizer inspect",
    words: ["tokenizer", "inspect", ...MODEL, "--input", "text.txt", "--picture", "pieces.png"],
    on: "finished",
    prints: true,
  },
  artifact("csv"),
  artifact("metrics"),
  artifact("samples"),
  artifact("plot", "ablation"),
  artifact("plot", "stages"),
  artifact("attention"),
  artifact("report"),
  { name: "architecture", words: ["architecture", ...SMOKE, "--out", "model.png"], prints: true },
  { name: "review", words: ["review", "--out", "review.html"], prints: true },
  { name: "verify", words: ["verify", "run", ...CPU, ...TEXT], on: "finished", prints: true },
  {
    name: "verify --retrain",
    words: ["verify", "run", "--retrain", ...CPU, ...TEXT],
    on: "finished",
    prints: true,
  },
  {
    name: "causality",
    words: ["causality", "--models", "mamba", ...CPU, "--picture", "masks.png"],
    prints: true,
  },
  {
    name: "causality --leak-experiment",
    words: ["causality", "--leak-experiment", "leak", "--steps", "10", ...CPU, ...TEXT],
  },
  { name: "bench memory", words: ["bench", "memory", ...SMOKE, "--models", "mamba", ...CPU], prints: true },
  { name: "doctor", words: ["doctor"] },
  { name: "download of a corpus", words: [], program: OBTAIN, prints: true },
  {
    name: "tune",
    words: ["tune", "--shape", "smoke", "--models", "mamba", "--runs", "1"],
    webgpu: true,
    timed: [".json"],
  },
  {
    name: "pretrain on WebGPU",
    words: [
      "pretrain",
      ...SMOKE,
      ...TEXT,
      ..."--backend webgpu --orpo-steps 2 --model mamba --steps 22 --out new".split(" "),
    ],
    webgpu: true,
  },
];
