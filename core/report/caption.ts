/** What every figure and text says about the study it shows. */
import type { Run } from "../record/mod.ts";
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

/** The most seeds that a model has finished, and how many the models have in words: "3", or "1 to 2" of an unfinished study. */
export function seedsOf({ record, results }: Run): { most: number; words: string } {
  const counts = [...Map.groupBy(results, ({ arm }) => arm).values()].map(({ length }) => length);
  if (counts.length === 0) return { most: record.study.seeds.length, words: String(record.study.seeds.length) };
  const least = Math.min(...counts), most = Math.max(...counts);
  return { most, words: least === most ? String(most) : `${least} to ${most}` };
}

/** Preset, corpus, seeds and machine in one line: the footer of every figure. */
export function footerOf(run: Run): string {
  const { study, corpus, started } = run.record, { words } = seedsOf(run), planned = study.seeds.length;
  const seeds = planned === 1
    ? `seed ${study.seeds[0]}`
    : `${words === String(planned) ? "" : `${words} of `}${planned} seeds`;
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
export function spreadNote(run: Run): string {
  const { most, words } = seedsOf(run);
  return most === 1
    ? "One seed: no spread can be shown."
    : `Mean of ${words} seeds; whiskers and bands: least to most.`;
}
