/**
 * Parses listings of RADV into basic blocks, instructions and loops. A listing comes from the disassembler or, for chips that it does
 * not know, from the compiler. Both have one line per instruction and a label before each basic block.
 */

/** The unit that an instruction uses. */
export type Unit =
  | "vector"
  | "transcendental"
  | "scalar"
  | "lds"
  | "load"
  | "store"
  | "scratch"
  | "wait"
  | "barrier"
  | "hint";

export interface Instruction {
  readonly name: string;
  readonly unit: Unit;
  /** Multiply-adds of floats per lane: 2 for instructions that do two, 128 for one that multiplies 16 × 16 × 16 in a wave of 32. */
  readonly multiplyAdds: number;
  /** Bytes that each lane moves, for loads, stores and workgroup memory. */
  readonly bytes: number;
  /** The number of the label that a branch jumps to. */
  readonly target: number | undefined;
  /** The counters of a wait instruction, each with the number of operations that may still be pending. */
  readonly waits: Readonly<Record<string, number>>;
}

export interface Block {
  readonly label: number;
  readonly instructions: readonly Instruction[];
}

/** A loop over the blocks `first` to `last` of the listing. */
export interface Loop {
  readonly first: number;
  readonly last: number;
  /** Its inner loops, in the order of the listing. */
  readonly inner: readonly Loop[];
}

const HINTS = /^s_(delay_alu|nop|clause|sethalt|code_end|inst_prefetch|sleep|set_inst_prefetch)/;
const MULTIPLY_ADD = /v_(dual_)?(pk_)?(fma|fmac|fmaak|fmamk|mad|mac|madak|madmk|fma_mix)_(f32|legacy)/g;
/** Instructions that multiply matrices, and their multiply-adds per lane of a wave of 32. */
export const MATRIX = /^v_wmma_f32_16x16x16_f16/;
const MATRIX_MULTIPLY_ADDS = 16 * 16 * 16 / 32;
const TRANSCENDENTAL = /^v_(exp|log|rcp|rsq|sqrt|sin|cos)_/;

const UNITS: readonly (readonly [RegExp, Unit])[] = [
  [HINTS, "hint"],
  [/^s_wait/, "wait"],
  [/^s_barrier/, "barrier"],
  [/^scratch_|^(buffer|global)_.*\bscratch\b/, "scratch"],
  [/^ds_/, "lds"],
  [/^(buffer|global|flat|s)_(buffer_)?(load|gl)/, "load"],
  [/^(buffer|global|flat)_(store|atomic)/, "store"],
  [TRANSCENDENTAL, "transcendental"],
  [/^v_/, "vector"],
  [/^s_/, "scalar"],
];

/** Bytes per lane, from the end of the name: `b128`, `dwordx4`, `b64`. */
function bytesOf(name: string): number {
  const bits = /_(?:b|u|i)(\d+)/.exec(name), words = /dwordx(\d)/.exec(name);
  const one = bits ? Number(bits[1]) / 8 : words ? 4 * Number(words[1]) : 4;
  return /^ds_\w*2(addr|st64)?_/.test(name) || /read2|write2/.test(name) ? 2 * one : one;
}

function instructionOf(line: string): Instruction | undefined {
  // In the compiler's own listing the result comes first: `v1: %5:v[0] = v_add_f32 …`.
  const text = line.replace(/\s*;.*$/, "").replace(/^\s*(?:[^=]*= )?(?=[a-z_]\w*\b)/, "").trim();
  const name = /^[a-z]\w*/.exec(text)?.[0];
  if (name === undefined || /^(p_|\/\*)/.test(text)) return undefined;
  const unit = UNITS.find(([pattern]) => pattern.test(text))?.[1];
  if (!unit) return undefined;
  const target = /branch\w* (?:block:)?BB(\d+)/.exec(text)?.[1];
  return {
    name,
    unit: unit === "load" && /scratch/.test(text) ? "scratch" : unit,
    multiplyAdds: MATRIX.test(name) ? MATRIX_MULTIPLY_ADDS : multiplyAddsOf(text),
    bytes: unit === "load" || unit === "store" || unit === "lds" ? bytesOf(name) : 0,
    target: target === undefined ? undefined : Number(target),
    waits: unit === "wait" ? waitsOf(text) : {},
  };
}

const multiplyAddsOf = (text: string): number =>
  [...text.matchAll(MULTIPLY_ADD)].reduce((sum, [found]) => sum + (found.includes("pk_") ? 2 : 1), 0);

/** The counters of pending operations of all chips, by their names on gfx12. */
const COUNTERS: Readonly<Record<string, readonly string[]>> = {
  vmcnt: ["load"],
  lgkmcnt: ["ds", "km"],
  vscnt: ["store"],
  loadcnt: ["load"],
  storecnt: ["store"],
  dscnt: ["ds"],
  kmcnt: ["km"],
  loadcnt_dscnt: ["load", "ds"],
  storecnt_dscnt: ["store", "ds"],
};

function waitsOf(text: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [, counter = "", left] of text.matchAll(/(vmcnt|lgkmcnt|vscnt)\D*(\d+)/g)) {
    for (const name of COUNTERS[counter] ?? []) found[name] = Number(left);
  }
  const newer = /^s_wait_(\w+cnt)\s+(?:imm:)?(0x[0-9a-f]+|\d+)/.exec(text);
  for (const name of COUNTERS[newer?.[1] ?? ""] ?? []) found[name] = Number(newer?.[2]) & 0x3f;
  return found;
}

/** The basic blocks of a listing, in its order. */
export function blocksOf(listing: string): Block[] {
  const blocks: { label: number; instructions: Instruction[] }[] = [];
  for (const line of listing.split("\n")) {
    const label = /^BB(\d+):?\s*$/.exec(line)?.[1];
    if (label !== undefined) blocks.push({ label: Number(label), instructions: [] });
    const repeated = /\(then repeated (\d+) times\)/.exec(line)?.[1], here = blocks.at(-1)?.instructions;
    const found = repeated ? here?.at(-1) : line.startsWith("\t") ? instructionOf(line) : undefined;
    for (let i = 0; found && i < Number(repeated ?? 1); i++) here?.push(found);
  }
  return blocks;
}

/** The loops of a listing. A branch back to a block makes a loop of all blocks from there to the branch. */
export function loopsOf(blocks: readonly Block[]): Loop[] {
  const at = new Map(blocks.map(({ label }, i) => [label, i])), last = new Map<number, number>();
  for (const [i, { instructions }] of blocks.entries()) {
    for (const { target } of instructions) {
      const first = target === undefined ? undefined : at.get(target);
      if (first !== undefined && first <= i) last.set(first, i);
    }
  }
  const all = [...last].map(([first, end]) => ({ first, last: end, inner: [] as Loop[] }));
  const outer: Loop[] = [];
  for (const loop of all.sort((a, b) => a.first - b.first || b.last - a.last)) {
    const around = all.filter((other) => other !== loop && other.first <= loop.first && loop.last <= other.last);
    const nearest = around.sort((a, b) => (a.last - a.first) - (b.last - b.first))[0];
    (nearest ? nearest.inner : outer).push(loop);
  }
  return outer;
}

/** The blocks of a loop that do not belong to an inner loop. */
export function ownBlocks({ first, last, inner }: Loop, blocks: readonly Block[]): Block[] {
  return blocks.filter((_, i) => first <= i && i <= last && !inner.some((loop) => loop.first <= i && i <= loop.last));
}
