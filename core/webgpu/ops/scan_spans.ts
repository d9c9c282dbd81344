/**
 * Cuts a scan with workgroup memory into spans of positions that run in parallel, and computes the start state of each span.
 */
import carryCode from "../../../wgsl/selective_scan_carry.wgsl" with { type: "text" };
import activations from "../../../wgsl/lib/activations.wgsl" with { type: "text" };
import type { AdapterClass } from "../../device/types.ts";
import type { Tensor } from "../../tensor/mod.ts";
import type { AttributesNamed } from "../../ops/registry.ts";
import { type Kernel, kernel, type Launch, linearGrid, type LowerContext } from "../launch.ts";

/** The attributes of a scan, forward or backward. */
export type Sizes = AttributesNamed<"selective_scan_forward">;

const CARRY = kernel("selective_scan_carry", activations, carryCode);

/** Positions between two saved states, which the kernels of the backward pass have in their text; a span has whole chunks. */
export const CHUNK = 32;
/** Fewest chunks of a span: with fewer, staging and the carry take as long as its arithmetic (counted). */
const FEWEST_CHUNKS = 4;
/**
 * Workgroups below which a scan is cut. Counted, not measured on any GPU: a workgroup is two to four subgroups of 32, and a scheduler
 * needs two to alternate between; so 60 multiprocessors of four schedulers want 240 workgroups, and small GPUs as many as they have cores, times four. A
 * software adapter has work for its threads from a few channels on, and would only make the exponentials twice.
 */
const WANTED: Readonly<Record<AdapterClass, number>> = { discrete: 256, apple: 64, integrated: 32, software: 1 };

/** `count` spans of `positions` each; the last one has the remaining positions. */
export interface Spans {
  readonly count: number;
  readonly positions: number;
}

/** The smallest power of two of spans that gives the adapter enough workgroups. `scanSpans` of the context overrides it. */
export function spansOf(
  { B, T, I }: Pick<Sizes, "B" | "T" | "I">,
  { channels, context: { adapterClass, scanSpans } }: { channels: number; context: LowerContext },
): Spans {
  const groups = B * Math.ceil(I / channels);
  let wanted = 1;
  while (wanted * groups < WANTED[adapterClass] && 2 * wanted * FEWEST_CHUNKS * CHUNK <= T) wanted *= 2;
  const positions = CHUNK * Math.ceil(T / ((scanSpans ?? wanted) * CHUNK));
  return { count: Math.ceil(T / positions), positions };
}

/** The kernel for the end state of each span, and how many of its invocations share four channels. */
export interface Ends {
  readonly kernel: Kernel;
  readonly parts: number;
}

/**
 * The offsets of the start states [spans, B, I, N] and of the sums of step sizes [spans, B, I] in a working storage, from
 * `first` on (elements).
 */
export function startsAt(
  { B, I, N }: Sizes,
  { spans: { count }, first }: { spans: Spans; first: number },
): { STARTS_AT: number; SUMS_AT: number; elements: number } {
  const SUMS_AT = first + count * B * I * N;
  return count > 1
    ? { STARTS_AT: first, SUMS_AT, elements: SUMS_AT + count * B * I }
    : { STARTS_AT: first, SUMS_AT: first, elements: first };
}

interface Starts {
  readonly attributes: Sizes;
  readonly spans: Spans;
  readonly channels: number;
  /** From the last span to the first. */
  readonly back: boolean;
  readonly inputs: { readonly dy: Tensor; readonly udt: Tensor; readonly bc: Tensor; readonly z: Tensor };
  readonly h0?: Tensor | undefined;
  readonly work: Tensor;
  /** Constants of the kernel of the ends besides its sizes and places. */
  readonly constants: Readonly<Record<string, number>>;
  readonly starts: { readonly STARTS_AT: number; readonly SUMS_AT: number };
}

/**
 * Computes the start state of every span in `work`, which begins with the coefficients. Nothing to do for one span. `inputs`:
 * as the kernel of the ends reads them; h0 [B, I, N], the state before the first span (zero when absent).
 */
export function startLaunches(
  { kernel: ends, parts }: Ends,
  { attributes: { B, I, N }, spans, channels, back, inputs, h0, work, constants, starts }: Starts,
): Launch[] {
  if (spans.count === 1) return [];
  const { dy, udt, bc, z } = inputs, { STARTS_AT, SUMS_AT } = starts;
  const common = { B, I, N, BACK: back ? 1 : 0, STARTS_AT, SUMS_AT };
  return [{
    kernel: ends,
    constants: { ...constants, ...common, PARTS: parts, SPAN: spans.positions },
    reads: [dy, udt, bc, z],
    writes: [work],
    grid: [Math.ceil(I / channels), B, spans.count - 1],
  }, {
    kernel: CARRY,
    constants: { ...common, SPANS: spans.count, HAS_H0: h0 ? 1 : 0 },
    reads: [h0 ?? bc],
    writes: [work],
    grid: linearGrid(Math.ceil(B * I * N / 64)),
  }];
}
