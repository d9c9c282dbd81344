/** The commands that read or write a run, as words of the command line. */
import { join } from "node:path";
import type { Target } from "./folders.ts";

/** What the commands need beside the run. */
export interface Beside extends Target {
  /** The text that the run was trained on. */
  readonly text: string;
  /** Another run, which is not hostile. */
  readonly other: string;
  /** A folder for what is written. */
  readonly out: string;
}

/** The arguments that trained the run, as the words of `ablate`. */
export const TRAINED = ["--preset", "smoke", "--backend", "cpu", "--seeds", "1", "--models", "mamba,hymba"];

/** Every call, by its name. */
export function hostileCalls({ run, text, other, out }: Beside): Record<string, readonly string[]> {
  const data = ["--data", text], cpu = ["--backend", "cpu"];
  return {
    runs: ["runs", join(run, "..")],
    watch: ["watch", run, "--json"],
    compare: ["compare", run, other],
    "compare the other way": ["compare", other, run],
    csv: ["csv", run],
    metrics: ["metrics", run],
    samples: ["samples", run],
    plot: ["plot", "ablation", run],
    report: ["report", run],
    attention: ["attention", run],
    "attention of a prompt": ["attention", run, "--prompt", "to be", ...cpu],
    slices: ["slices", run, ...data],
    lesion: ["lesion", run, "--model", "hymba", "--sequences", "2", ...data, ...cpu],
    power: ["power", run],
    evaluate: ["evaluate", run, ...data, ...cpu],
    generate: ["generate", run, "--prompt", "a", "--tokens", "4", ...cpu],
    export: ["export", run, "--format", "pytorch", "--out", out],
    serve: ["serve", run, "--export", out],
    merge: ["merge", run, "--out", out, ...data, ...cpu],
    import: ["import", join(run, "arms", "hymba-1"), "--out", out],
    verify: ["verify", run, ...data, ...cpu],
    resume: ["ablate", ...TRAINED, ...data, "--out", run],
    clean: ["clean", run],
    "clean --yes": ["clean", run, "--yes"],
    "clean --whole --yes": ["clean", run, "--whole", "--yes"],
  };
}
