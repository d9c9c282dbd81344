import activations from "../../../wgsl/lib/activations.wgsl" with { type: "text" };
import packCode from "../../../wgsl/selective_scan_pack.wgsl" with { type: "text" };
import { HymbaError } from "../../errors.ts";
import { type Attributes, type Step, type Tensor, tensorOver } from "../../tensor/mod.ts";
import { kernel, type Launch, type Lowering, placeOf } from "../launch.ts";
import { alike, formatOf } from "./halves.ts";
import { scanForm } from "./scan_kernels.ts";
import { sumPartials } from "./sum_partials.ts";
import { widthOf } from "./width.ts";

const PACK = kernel("selective_scan_pack", activations, packCode);

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
  const { B, T, I, N, softplus } = attributes, { udt, bc, z, h0 } = reads;
  const table = context.scratch("coefficients", [I!, N! + 2]), width = widthOf([I!], [udt!, z ?? udt!, y!]);
  const { parts, channels } = scanForm("forward", { attributes, width, context });
  const constants = {
    T: T!,
    I: I!,
    N: N!,
    SOFTPLUS: softplus!,
    HAS_Z: z ? 1 : 0,
    HAS_H0: h0 ? 1 : 0,
    ...placeOf("UDT", udt!),
    ...placeOf("BC", bc!),
    ...placeOf("Z", z ?? udt!),
    ...placeOf("Y", y!),
  };
  const launches = parts.map(({ kernel, sizes }): Launch => ({
    kernel,
    constants: { ...constants, ...sizes },
    reads: [udt!, bc!, z ?? udt!, table, h0 ?? bc!],
    writes: [y!, states!],
    grid: [Math.ceil(I! / channels), B!, 1],
  }));
  return [pack(reads, attributes, table), ...launches];
};

/** Where the parts of the working storage begin, in elements; the coefficients come first. */
function workspace({ B, T, I, N }: Attributes, groups: number) {
  const DA_AT = I! * (N! + 2), DSKIP_AT = DA_AT + B! * I! * N!, DBIAS_AT = DSKIP_AT + B! * I!;
  const DH0_AT = DBIAS_AT + B! * I!, DBC_AT = DH0_AT + B! * I! * N!;
  const elements = DBC_AT + groups * B! * T! * 2 * N!;
  return { elements, starts: { DA_AT, DSKIP_AT, DBIAS_AT, DH0_AT, DBC_AT } };
}

export const selectiveScanBackward: Lowering = ({ attributes, reads, writes }, context) => {
  const { B, T, I, N, softplus } = attributes, { dy, bc, states } = reads;
  const { launches, tensors: [udt, z] } = alike([reads.udt!, reads.z], context);
  const dudt = writes.dudt ?? context.scratch("dudt", [B! * T!, 2 * I!]), dz = writes.dz ?? context.scratch("dz", [4]);
  if (z && !writes.dz) throw new HymbaError("selective_scan: a gate without a place for its gradient");
  const rows = [dy!, udt!, z ?? udt!, dudt, ...(z ? [dz] : [])].filter(({ packed }) => !packed);
  const { parts, channels } = scanForm(udt!.packed ? "halves" : "f32", {
    attributes,
    width: widthOf([I!], rows),
    context,
  });
  const groups = Math.ceil(I! / channels), { elements, starts } = workspace(attributes, groups);
  const work = context.scratch("scan", [elements]);
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
  return [
    ...launches,
    pack(reads, attributes, work),
    ...parts.toReversed().map(({ kernel, sizes }): Launch => ({
      kernel,
      constants: {
        B: B!,
        T: T!,
        I: I!,
        N: N!,
        SOFTPLUS: softplus!,
        HAS_Z: z ? 1 : 0,
        ...sizes,
        ...places,
        ...starts,
      },
      reads: [dy!, udt!, bc!, z ?? udt!, states!],
      writes: [dudt, dz, work],
      grid: [groups, B!, 1],
    })),
    ...sum(writes.daLog, starts.DA_AT, B!),
    ...sum(writes.dskip, starts.DSKIP_AT, B!),
    ...sum(writes.ddtBias, starts.DBIAS_AT, B!),
    ...sum(writes.dh0, starts.DH0_AT, 1),
    ...sum(writes.dbc, starts.DBC_AT, groups),
  ];
};
