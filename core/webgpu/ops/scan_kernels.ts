/** The forms of the selective scan: through workgroup memory, in spans (scan_spans.ts), and for software adapters one subgroup per workgroup. */
import backwardCode from "../../../wgsl/selective_scan_backward.wgsl" with { type: "text" };
import backwardSubgroupCode from "../../../wgsl/selective_scan_backward_subgroup.wgsl" with { type: "text" };
import endsCode from "../../../wgsl/selective_scan_ends.wgsl" with { type: "text" };
import forwardCode from "../../../wgsl/selective_scan_forward.wgsl" with { type: "text" };
import forwardSubgroupCode from "../../../wgsl/selective_scan_forward_subgroup.wgsl" with { type: "text" };
import activations from "../../../wgsl/lib/activations.wgsl" with { type: "text" };
import channelsVec1 from "../../../wgsl/lib/channels_vec1.wgsl" with { type: "text" };
import channelsVec4 from "../../../wgsl/lib/channels_vec4.wgsl" with { type: "text" };
import halves from "../../../wgsl/lib/halves.wgsl" with { type: "text" };
import scanLanes from "../../../wgsl/lib/scan_lanes.wgsl" with { type: "text" };
import scanTiles from "../../../wgsl/lib/scan_tiles.wgsl" with { type: "text" };
import laneTotals16 from "../../../wgsl/lib/lane_totals_16.wgsl" with { type: "text" };
import laneTotals4 from "../../../wgsl/lib/lane_totals_4.wgsl" with { type: "text" };
import laneTotals8 from "../../../wgsl/lib/lane_totals_8.wgsl" with { type: "text" };
import storedF32 from "../../../wgsl/lib/stored_f32.wgsl" with { type: "text" };
import storedHalves from "../../../wgsl/lib/stored_halves.wgsl" with { type: "text" };
import { HymbaError } from "../../errors.ts";
import { type Kernel, kernel, type LowerContext, specialised } from "../launch.ts";
import { type Lanes, scanTile } from "../tiles.ts";
import { CHUNK, type Ends, type Sizes, type Spans, spansOf } from "./scan_spans.ts";
import type { Width } from "./width.ts";

/** The kernels by the format of u, the step size and z in the backward pass: f32, or words of 16-bit floats. */
type Kind = "forward" | "f32" | "halves";
type Kernels = Readonly<Record<Kind, Readonly<Record<Width, Kernel>>>>;

/** All variants of a kernel: `front`, then the functions that read rows, then `shared`, then the kernel. */
function kernels(
  where: string,
  { front = [], shared = [] }: { front?: readonly string[]; shared?: readonly string[] },
  code: { forward: string; backward: string },
): Kernels {
  const widths = (name: string, ...rest: string[]) => widthsOf(`${name}${where}`, front, rest);
  return {
    forward: widths("selective_scan_forward", storedF32, ...shared, code.forward),
    f32: widths("selective_scan_backward", storedF32, ...shared, code.backward),
    halves: widths("selective_scan_backward halves", halves, storedHalves, ...shared, code.backward),
  };
}

/** A kernel for each width: `front`, then the common part, then `rest`. */
function widthsOf(name: string, front: readonly string[], rest: readonly string[]): Readonly<Record<Width, Kernel>> {
  const make = (width: Width, channels: string) =>
    kernel(`${name} x${width}`, ...front, activations, channels, ...rest);
  return { 1: make(1, channelsVec1), 4: make(4, channelsVec4) };
}

/**
 * Entries of N that an invocation of the kernels through workgroup memory holds, positions that it stages at a time, and invocations that share
 * the channels of a workgroup.
 */
interface Held {
  readonly EACH: number;
  readonly BLOCK: number;
  readonly ACROSS: 16 | 32;
}

/** Invocations of such a kernel that share the same channels. */
const partsOf = (N: number, { EACH }: Held): number => Math.ceil(N / EACH);

const holding = (kernel: Kernel, { EACH, BLOCK, ACROSS }: Held): Kernel => specialised(kernel, { EACH, BLOCK, ACROSS });

const ENDS_HELD: Held = { EACH: 4, BLOCK: 16, ACROSS: 16 };
function endsOf(name: string, ...rest: string[]): Readonly<Record<Width, Kernel>> {
  const widths = widthsOf(name, [], [...rest, scanTiles, endsCode]);
  return { 1: holding(widths[1], ENDS_HELD), 4: holding(widths[4], ENDS_HELD) };
}
const ENDS_F32 = endsOf("selective_scan_ends", storedF32);
const ENDS: Kernels = {
  forward: ENDS_F32,
  f32: ENDS_F32,
  halves: endsOf("selective_scan_ends halves", halves, storedHalves),
};
const WORKGROUP = kernels("", { shared: [scanTiles] }, { forward: forwardCode, backward: backwardCode });
const onLanes = (lanes: Lanes, totals: string): Kernels =>
  kernels(` on ${lanes} lanes`, { front: [totals], shared: [scanLanes] }, {
    forward: forwardSubgroupCode,
    backward: backwardSubgroupCode,
  });
const SUBGROUP: Readonly<Record<Lanes, Kernels>> = {
  4: onLanes(4, laneTotals4),
  8: onLanes(8, laneTotals8),
  16: onLanes(16, laneTotals16),
};

/** Channels of a workgroup, and most of a subgroup. */
const CHANNELS = 64;
/** States of a channel that fit into workgroup memory. */
const MOST_STATES = 32;
/** Enough subgroups to keep a software adapter busy: it runs one per core. */
const ENOUGH_GROUPS = 8;
/** The fewest channels per subgroup, below which loading B and C takes a fifth of the time (counted). */
const FEWEST_CHANNELS = 16;

/** A launch of a scan over a part of its positions. */
export interface ScanPart {
  readonly kernel: Kernel;
  /** Values of its constants that say how the work is split. */
  readonly sizes: Readonly<Record<string, number>>;
}

export interface ScanForm {
  /** From the first positions to the last; the backward pass takes them in reverse order. */
  readonly parts: readonly ScanPart[];
  /** Channels of a workgroup. */
  readonly channels: number;
  /** The spans of positions, and the kernel for the end state of each span. Absent in the variant without spans. */
  readonly cut?: { readonly spans: Spans; readonly ends: Ends };
  /** Numbers that a workgroup of the backward pass keeps in memory for one chunk; 0 if none. */
  readonly kept: number;
}

/** How an adapter carries a scan out. Throws HymbaError for more states than fit, or other chunks than the kernels'. */
export function scanForm(
  kind: Kind,
  { attributes, width, context }: { attributes: Sizes; width: Width; context: LowerContext },
): ScanForm {
  const { B, I, N, chunk } = attributes, tile = scanTile(context);
  if (N > MOST_STATES) {
    throw new HymbaError(`selective_scan: ${N} states a channel`, { expected: `at most ${MOST_STATES}` });
  }
  if (chunk !== CHUNK) {
    throw new HymbaError(`selective_scan: saved every ${chunk} positions`, { expected: `${CHUNK}` });
  }
  if (!tile) {
    const held = heldFor(N, kind), PARTS = partsOf(N, held);
    const spans = spansOf(attributes, { channels: CHANNELS, context });
    const cut = { spans, ends: { kernel: ENDS[kind][width], parts: partsOf(N, ENDS_HELD) } };
    const part = {
      kernel: holding(WORKGROUP[kind][width], held),
      sizes: { PARTS, ...(kind === "forward" && { CHUNK }) },
    };
    const kept = kind === "forward" ? 0 : CHUNK / held.BLOCK * PARTS * held.EACH * CHANNELS;
    return { parts: [part], channels: CHANNELS, cut, kept };
  }
  const wanted = 4 * Math.ceil(B * I / (4 * ENOUGH_GROUPS));
  const channels = Math.max(FEWEST_CHANNELS, Math.min(CHANNELS, wanted));
  const kernel = SUBGROUP[tile.lanes][kind][width];
  return { parts: subgroupParts(kernel, { attributes, kind, channels, ...tile }), channels, kept: 0 };
}

/** One launch for all chunks. A short last chunk has a launch with fewer steps, because a launch computes all steps of each chunk. */
function subgroupParts(
  kernel: Kernel,
  { attributes: { T, N }, kind, lanes, channels }: {
    attributes: Sizes;
    kind: Kind;
    lanes: number;
    channels: number;
  },
): ScanPart[] {
  const rest = T % CHUNK, shortSteps = [8, 16].find((steps) => steps >= lanes && 0 < rest && rest <= steps);
  const whole = shortSteps ? T - rest : T, unit = kind === "forward" ? 1 : CHUNK;
  const part = (STEPS: number, begin: number, end: number): ScanPart => ({
    kernel: specialised(kernel, {
      WIDE: Math.ceil(N / lanes),
      STEPS,
      OWN: STEPS / lanes,
      STEP_QUADS: STEPS / 4,
      TOTAL_QUADS: lanes / 4,
    }),
    sizes: { CHANNELS: channels, BEGIN: Math.floor(begin / unit), END: Math.ceil(end / unit) },
  });
  return [...(whole > 0 ? [part(CHUNK, 0, whole)] : []), ...(shortSteps ? [part(shortSteps, whole, T)] : [])];
}

/**
 * What fits into the 16 KiB of workgroup memory that are guaranteed. The backward pass also has the states before every second position of a
 * block in registers.
 */
function heldFor(N: number, kind: Kind): Held {
  const many = N > 16;
  if (kind === "forward") return { EACH: 4, BLOCK: many ? 4 : 8, ACROSS: 16 };
  return { EACH: 4, BLOCK: many ? 2 : 4, ACROSS: 32 };
}
