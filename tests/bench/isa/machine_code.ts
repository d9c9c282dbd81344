/**
 * The loops of a kernel's machine code and what a round of each costs, from the listing that RADV gives: the disassembler's, or for
 * chips that it does not know the compiler's own. Both have a line an instruction and a label in front of each basic block.
 */

/** What an instruction keeps busy. */
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
  /** Multiply-adds of 32-bit floats for each lane: 2 in instructions that do two. */
  readonly multiplyAdds: number;
  /** Bytes that each lane moves, for loads, stores and workgroup memory. */
  readonly bytes: number;
  /** Where a branch goes, as the label's number. */
  readonly target: number | undefined;
  /** The counters that a wait names, with how many may be left; 0 for a counter that has to be empty. */
  readonly waits: Readonly<Record<string, number>>;
}

export interface Block {
  readonly label: number;
  readonly instructions: readonly Instruction[];
}

/** Blocks `first` to `last` of the listing, run again and again. */
export interface Loop {
  readonly first: number;
  readonly last: number;
  /** Loops inside of it, in the order of the listing. */
  readonly inner: readonly Loop[];
}

const HINTS = /^s_(delay_alu|nop|clause|sethalt|code_end|inst_prefetch|sleep|set_inst_prefetch)/;
const MULTIPLY_ADD = /v_(dual_)?(pk_)?(fma|fmac|fmaak|fmamk|mad|mac|madak|madmk|fma_mix)_(f32|legacy)/g;
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

/** Bytes a lane by the end of a name: `b128`, `dwordx4`, `b64`. */
function bytesOf(name: string): number {
  const bits = /_(?:b|u|i)(\d+)/.exec(name), words = /dwordx(\d)/.exec(name);
  const one = bits ? Number(bits[1]) / 8 : words ? 4 * Number(words[1]) : 4;
  return /^ds_\w*2(addr|st64)?_/.test(name) || /read2|write2/.test(name) ? 2 * one : one;
}

function instructionOf(line: string): Instruction | undefined {
  // The compiler's own listing has the result in front: `v1: %5:v[0] = v_add_f32 …`.
  const text = line.replace(/\s*;.*$/, "").replace(/^\s*(?:[^=]*= )?(?=[a-z_]\w*\b)/, "").trim();
  const name = /^[a-z]\w*/.exec(text)?.[0];
  if (name === undefined || /^(p_|\/\*)/.test(text)) return undefined;
  const unit = UNITS.find(([pattern]) => pattern.test(text))?.[1];
  if (!unit) return undefined;
  const target = /branch\w* (?:block:)?BB(\d+)/.exec(text)?.[1];
  return {
    name,
    unit: unit === "load" && /scratch/.test(text) ? "scratch" : unit,
    multiplyAdds: [...text.matchAll(MULTIPLY_ADD)].reduce((sum, [found]) => sum + (found.includes("pk_") ? 2 : 1), 0),
    bytes: unit === "load" || unit === "store" || unit === "lds" ? bytesOf(name) : 0,
    target: target === undefined ? undefined : Number(target),
    waits: unit === "wait" ? waitsOf(text) : {},
  };
}

/** Names that chips give the counters of what is under way, as those of gfx12. */
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

/** Loops of a listing: a branch back to a block makes one of all blocks from there to the branch. */
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

/** Blocks of a loop that are in none of its inner loops. */
export function ownBlocks({ first, last, inner }: Loop, blocks: readonly Block[]): Block[] {
  return blocks.filter((_, i) => first <= i && i <= last && !inner.some((loop) => loop.first <= i && i <= loop.last));
}
