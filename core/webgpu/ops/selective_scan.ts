import activations from "../../../wgsl/lib/activations.wgsl" with { type: "text" };
import packCode from "../../../wgsl/selective_scan_pack.wgsl" with { type: "text" };
import { HymbaError } from "../../errors.ts";
import { type Tensor, tensorOver } from "../../tensor/mod.ts";
import type { StepNamed } from "../../ops/registry.ts";
import { kernel, type Launch, type Lowering, placeOf, placesOf } from "../launch.ts";
import { formatOf, inSameForm } from "./halves.ts";
import { type ScanForm, scanForm } from "./scan_kernels.ts";
import { type Sizes, startLaunches, startsAt } from "./scan_spans.ts";
import { sumPartials } from "./sum_partials.ts";
import { widthOf } from "./width.ts";

const PACK = kernel("selective_scan_pack", activations, packCode);

function pack(
  { aLog, skip, dtBias }: StepNamed<"selective_scan_forward">["reads"],
  { I, N }: Sizes,
  table: Tensor,
): Launch {
  return {
    kernel: PACK,
    constants: { I, N, HAS_SKIP: skip ? 1 : 0, HAS_BIAS: dtBias ? 1 : 0 },
    reads: [aLog, skip ?? aLog, dtBias ?? aLog],
    writes: [table],
    grid: [Math.ceil(I * (N + 2) / 64), 1, 1],
  };
}

/** The spans of a scan; one of all positions where its form knows none. */
const spansIn = ({ cut }: ScanForm, { T }: Sizes) => cut?.spans ?? { count: 1, positions: T };

/** Constants of the kernels about spans. */
const spanPlaces = ({ cut }: ScanForm, { STARTS_AT }: { STARTS_AT: number }): Record<string, number> =>
  cut ? { SPAN: cut.spans.positions, STARTS_AT } : {};

export const selectiveScanForward: Lowering<"selective_scan_forward"> = (
  { attributes, reads, writes: { y, states } },
  context,
) => {
  const { B, T, I, N, softplus } = attributes, { udt, bc, z, h0 } = reads;
  const width = widthOf([I], [udt, z ?? udt, y]), form = scanForm("forward", { attributes, width, context });
  const { parts, channels, cut } = form, spans = spansIn(form, attributes);
  const starts = startsAt(attributes, { spans, first: I * (N + 2) });
  const work = context.scratch("scan", [starts.elements]);
  const common = { T, I, N, SOFTPLUS: softplus, ...placeOf("UDT", udt), ...placeOf("BC", bc) };
  const gate = { HAS_Z: z ? 1 : 0, ...placeOf("Z", z ?? udt) };
  const launches = parts.map(({ kernel, sizes }): Launch => ({
    kernel,
    constants: { ...common, ...gate, HAS_H0: h0 ? 1 : 0, ...placeOf("Y", y), ...sizes, ...spanPlaces(form, starts) },
    reads: [udt, bc, z ?? udt, work, h0 ?? bc],
    writes: [y, states],
    grid: [Math.ceil(I / channels), B, spans.count],
  }));
  const before = cut
    ? startLaunches(cut.ends, {
      attributes,
      spans,
      channels,
      back: false,
      h0,
      work,
      starts,
      inputs: { dy: udt, udt, bc, z: udt },
      constants: { ...common, ...gate, ...placeOf("DY", udt) },
    })
    : [];
  return [pack(reads, attributes, work), ...before, ...launches];
};

/** Where the parts of the working storage of the backward pass begin, in elements; the coefficients come first. */
function workspace(attributes: Sizes, form: ScanForm) {
  const { B, T, I, N } = attributes, spans = spansIn(form, attributes), sums = spans.count * B;
  const DA_AT = I * (N + 2), DSKIP_AT = DA_AT + sums * I * N, DBIAS_AT = DSKIP_AT + sums * I;
  const DH0_AT = DBIAS_AT + sums * I, DBC_AT = DH0_AT + B * I * N;
  const groups = Math.ceil(I / form.channels), KEPT_AT = DBC_AT + groups * B * T * 2 * N;
  const first = KEPT_AT + groups * sums * form.kept;
  return {
    spans,
    sums,
    places: { DA_AT, DSKIP_AT, DBIAS_AT, DH0_AT, DBC_AT, ...(form.kept > 0 && { KEPT_AT }) },
    starts: startsAt(attributes, { spans, first }),
  };
}

/** Adds up the parts of each gradient from workgroups, spans and batch rows, in order. */
function totals(
  writes: StepNamed<"selective_scan_backward">["writes"],
  { storage }: Tensor,
  { places, sums, groups }: Pick<ReturnType<typeof workspace>, "places" | "sums"> & { groups: number },
): Launch[] {
  const sum = (out: Tensor | undefined, offset: number, parts: number) =>
    out ? [sumPartials(tensorOver(storage, [parts, out.rows * out.columns], { offset }), out)] : [];
  return [
    ...sum(writes.daLog, places.DA_AT, sums),
    ...sum(writes.dskip, places.DSKIP_AT, sums),
    ...sum(writes.ddtBias, places.DBIAS_AT, sums),
    ...sum(writes.dh0, places.DH0_AT, 1),
    ...sum(writes.dbc, places.DBC_AT, groups),
  ];
}

export const selectiveScanBackward: Lowering<"selective_scan_backward"> = ({ attributes, reads, writes }, context) => {
  const { B, T, I, N, softplus } = attributes, { dy, bc, states } = reads;
  const { launches, udt, z } = inSameForm({ udt: reads.udt, z: reads.z }, context);
  const dudt = writes.dudt ?? context.scratch("dudt", [B * T, 2 * I]), dz = writes.dz ?? context.scratch("dz", [4]);
  if (z && !writes.dz) throw new HymbaError("selective_scan: a gate without a place for its gradient");
  const rows = [dy, udt, z ?? udt, dudt, ...(z ? [dz] : [])].filter(({ packed }) => !packed);
  const width = widthOf([I], rows);
  const form = scanForm(udt.packed ? "halves" : "f32", { attributes, width, context });
  const { parts, channels, cut } = form, { spans, sums, places, starts } = workspace(attributes, form);
  const groups = Math.ceil(I / channels), work = context.scratch("scan", [starts.elements]);
  const inputs = { dy, udt, bc, z: z ?? udt }, format = { SOFTPLUS: softplus, HAS_Z: z ? 1 : 0, ...formatOf(udt) };
  const constants = { B, T, I, N, ...format, ...placesOf({ DY: dy, UDT: udt, BC: bc, Z: z ?? udt }) };
  const own = { ...placesOf({ DUDT: dudt, DZ: dz }), ...places, ...spanPlaces(form, starts) };
  return [
    ...launches,
    pack(reads, attributes, work),
    ...(cut
      ? startLaunches(cut.ends, { attributes, spans, channels, back: true, work, starts, constants, inputs })
      : []),
    ...parts.toReversed().map(({ kernel, sizes }): Launch => ({
      kernel,
      constants: { ...constants, ...sizes, ...own },
      reads: [dy, udt, bc, z ?? udt, states],
      writes: [dudt, dz, work],
      grid: [groups, B, spans.count],
    })),
    ...totals(writes, work, { places, sums, groups }),
  ];
};
