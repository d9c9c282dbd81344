/** What every figure and text says about the study it shows. */
import type { Run } from "../config/mod.ts";
import { printable } from "../errors.ts";
import { short } from "./format.ts";

/** A text of the run record on one line: nothing in it acts on a terminal, a page or a picture. */
export const line = (text: string): string => printable(text).replaceAll("\n", " ");

const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** Where it was computed: the adapter's or processor's name. */
export function machineOf({ record }: Run): string {
  const { name, threads } = record.adapter;
  const threaded = threads === undefined ? "" : `, ${plural(Number(threads), "thread")}`;
  return line(`${record.backend}, ${name ?? "unnamed processor"}${threaded}`);
}

/** Preset, corpus, seeds and machine in one line: the footer of every figure. */
export function footerOf(run: Run): string {
  const { study, corpus, started } = run.record;
  const seeds = study.seeds.length === 1 ? `seed ${study.seeds[0]}` : `${study.seeds.length} seeds`;
  const facts = [`corpus ${corpus.name}`, `preset ${study.preset}`, seeds, machineOf(run), started.slice(0, 10)];
  return line(facts.join("  ·  "));
}

/** How large the study was: the line below the title of every figure. */
export function sizeOf(run: Run): string {
  const { study, data } = run.record;
  const { pretraining, orpo, sequenceLength } = study;
  return line(
    `${run.record.corpus.name}: ` +
      `${short(data.trainTokens)} tokens to train on, ${short(data.validationTokens)} to validate; ` +
      `${pretraining.steps} steps of ${pretraining.batch} × ${sequenceLength} tokens, ` +
      `then ${plural(orpo.steps, "preference step")} of ${plural(orpo.batch, "pair")}`,
  );
}

/** What whiskers and bands mean; empty with a single seed. */
export function spreadNote({ record }: Run): string {
  const count = record.study.seeds.length;
  return count === 1
    ? "One seed: no spread can be shown."
    : `Mean of ${count} seeds; whiskers and bands: least to most.`;
}
