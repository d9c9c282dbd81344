import backwardCode from "../../../wgsl/selective_scan_backward.wgsl" with { type: "text" };
import forwardCode from "../../../wgsl/selective_scan_forward.wgsl" with { type: "text" };
import packCode from "../../../wgsl/selective_scan_pack.wgsl" with { type: "text" };
import halves from "../../../wgsl/lib/halves.wgsl" with { type: "text" };
import storedF32 from "../../../wgsl/lib/stored_f32.wgsl" with { type: "text" };
import storedHalves from "../../../wgsl/lib/stored_halves.wgsl" with { type: "text" };
import activations from "../../../wgsl/lib/activations.wgsl" with { type: "text" };
import channelsVec1 from "../../../wgsl/lib/channels_vec1.wgsl" with { type: "text" };
import channelsVec4 from "../../../wgsl/lib/channels_vec4.wgsl" with { type: "text" };
import { HymbaError } from "../../errors.ts";
import { type Attributes, type Step, type Tensor, tensorOver } from "../../tensor/mod.ts";
import type { AdapterClass } from "../../device/types.ts";
import { kernel, type Launch, type Lowering, placeOf } from "../launch.ts";
import { alike, formatOf } from "./halves.ts";
import { sumPartials } from "./sum_partials.ts";
import { widthOf } from "./width.ts";

const PACK = kernel("selective_scan_pack", packCode);
const FORWARD = {
  1: kernel("selective_scan_forward x1", activations, channelsVec1, forwardCode),
  4: kernel("selective_scan_forward x4", activations, channelsVec4, forwardCode),
};
/** By what they read u, the step size and z from: f32, or words of 16-bit floats. */
const BACKWARD = {
  f32: {
    1: kernel("selective_scan_backward x1", activations, channelsVec1, storedF32, backwardCode),
    4: kernel("selective_scan_backward x4", activations, channelsVec4, storedF32, backwardCode),
  },
  halves: {
    1: kernel("selective_scan_backward x1 halves", activations, channelsVec1, halves, storedHalves, backwardCode),
    4: kernel("selective_scan_backward x4 halves", activations, channelsVec4, halves, storedHalves, backwardCode),
  },
};

/** Channels of a workgroup. */
const CHANNELS = 64;
/** The `CHUNK` of the backward kernel. */
const CHUNK = 32;
/** States of a channel that fit into workgroup memory. */
const MOST_STATES = 32;

/** How N and the positions are split: QUADS invocations share a channel, BLOCK positions are staged at a time. */
function split(
  { N, chunk }: Attributes,
  { adapterClass, backward }: { adapterClass: AdapterClass; backward: boolean },
) {
  if (N! > MOST_STATES) {
    throw new HymbaError(`selective_scan: ${N} states a channel`, { expected: `at most ${MOST_STATES}` });
  }
  if (chunk !== CHUNK) {
    throw new HymbaError(`selective_scan: saved every ${chunk} positions`, { expected: `${CHUNK}` });
  }
  const QUADS = Math.ceil(N! / 4);
  if (!backward) return { QUADS, BLOCK: QUADS > 4 ? 4 : 8 };
  // 16 KiB of workgroup memory are guaranteed; software adapters have 32, and each barrier costs them dearly.
  return { QUADS, BLOCK: QUADS > 4 ? 1 : adapterClass === "software" ? 4 : 2 };
}

function pack({ aLog, skip, dtBias }: Step["reads"], { I, N }: Attributes, table: Tensor): Launch {
  return {
    kernel: PACK,
    constants: { I: I!, N: N!, HAS_SKIP: skip ? 1 : 0, HAS_BIAS: dtBias ? 1 : 0 },
    reads: [aLog!, skip ?? aLog!, dtBias ?? aLog!],
    writes: [table],
    grid: [Math.ceil(I! * (N! + 2) / 64), 1, 1],
  };
}

export const selectiveScanForward: Lowering = ({ attributes, reads, writes: { y, states } }, context) => {
  const { B, T, I, N, chunk, softplus } = attributes, { udt, bc, z, h0 } = reads;
  const table = context.scratch("coefficients", [I!, N! + 2]);
  const constants = {
    B: B!,
    T: T!,
    I: I!,
    N: N!,
    CHUNK: chunk!,
    SOFTPLUS: softplus!,
    HAS_Z: z ? 1 : 0,
    HAS_H0: h0 ? 1 : 0,
    ...split(attributes, { adapterClass: context.adapterClass, backward: false }),
    ...placeOf("UDT", udt!),
    ...placeOf("BC", bc!),
    ...placeOf("Z", z ?? udt!),
    ...placeOf("Y", y!),
  };
  return [pack(reads, attributes, table), {
    kernel: FORWARD[widthOf([I!], [udt!, z ?? udt!, y!])],
    constants,
    reads: [udt!, bc!, z ?? udt!, table, h0 ?? bc!],
    writes: [y!, states!],
    grid: [Math.ceil(I! / CHANNELS), B!, 1],
  }];
};

/** Where the parts of the working storage begin, in elements; the coefficients come first. */
function workspace({ B, T, I, N }: Attributes) {
  const groups = Math.ceil(I! / CHANNELS);
  const DA_AT = I! * (N! + 2), DSKIP_AT = DA_AT + B! * I! * N!, DBIAS_AT = DSKIP_AT + B! * I!;
  const DH0_AT = DBIAS_AT + B! * I!, DBC_AT = DH0_AT + B! * I! * N!;
  const elements = DBC_AT + groups * B! * T! * 2 * N!;
  return { groups, elements, starts: { DA_AT, DSKIP_AT, DBIAS_AT, DH0_AT, DBC_AT } };
}

export const selectiveScanBackward: Lowering = ({ attributes, reads, writes }, context) => {
  const { B, T, I, N, softplus } = attributes, { dy, bc, states } = reads;
  const { launches, tensors: [udt, z] } = alike([reads.udt!, reads.z], context);
  const { groups, elements, starts } = workspace(attributes), work = context.scratch("scan", [elements]);
  const dudt = writes.dudt ?? context.scratch("dudt", [B! * T!, 2 * I!]), dz = writes.dz ?? context.scratch("dz", [4]);
  if (z && !writes.dz) throw new HymbaError("selective_scan: a gate without a place for its gradient");
  const places = {
    ...placeOf("DY", dy!),
    ...placeOf("UDT", udt!),
    ...placeOf("BC", bc!),
    ...placeOf("Z", z ?? udt!),
    ...placeOf("DUDT", dudt),
    ...placeOf("DZ", dz),
    ...formatOf(udt!),
  };
  const sum = (out: Tensor | undefined, offset: number, parts: number) =>
    out ? [sumPartials(tensorOver(work.storage, [parts, out.rows * out.columns], { offset }), out)] : [];
  const rows = [dy!, udt!, z ?? udt!, dudt, ...(z ? [dz] : [])].filter(({ packed }) => !packed);
  return [
    ...launches,
    pack(reads, attributes, work),
    {
      kernel: BACKWARD[udt!.packed ? "halves" : "f32"][widthOf([I!], rows)],
      constants: {
        B: B!,
        T: T!,
        I: I!,
        N: N!,
        SOFTPLUS: softplus!,
        HAS_Z: z ? 1 : 0,
        ...split(attributes, { adapterClass: context.adapterClass, backward: true }),
        ...places,
        ...starts,
      },
      reads: [dy!, udt!, bc!, z ?? udt!, states!],
      writes: [dudt, dz, work],
      grid: [groups, B!, 1],
    },
    ...sum(writes.daLog, starts.DA_AT, B!),
    ...sum(writes.dskip, starts.DSKIP_AT, B!),
    ...sum(writes.ddtBias, starts.DBIAS_AT, B!),
    ...sum(writes.dh0, starts.DH0_AT, 1),
    ...sum(writes.dbc, starts.DBC_AT, groups),
  ];
};
