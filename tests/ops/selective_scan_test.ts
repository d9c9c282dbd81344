import { linear } from "../../core/ops/linear.ts";
import { selectiveScan } from "../../core/ops/selective_scan.ts";
import { fillNormal, fillUniform } from "../../core/random.ts";
import { sliceColumns, withRows } from "../../core/tensor/mod.ts";
import { ScanInSpans } from "./scan_in_spans.ts";
import { checkOp, type InputMaker, type OpCase } from "./harness.ts";
import { thorough } from "../thorough.ts";

interface ScanCase {
  B: number;
  T: number;
  I: number;
  N: number;
  /** Added to the raw step sizes: −3 makes steps of about 0.05, −9 of about 1e-4. */
  step?: number;
  bare?: boolean;
  h0?: boolean;
  softplus?: 0 | 1;
  /** Software adapters have their own kernels (wgsl/selective_scan_*_subgroup); these cases also test the kernels of GPUs. */
  asGpu?: boolean;
  /** Also in the form for GPUs, cut into this many spans. */
  spans?: number;
}

const stepSizes = (offset: number): NonNullable<Parameters<InputMaker>[2]> => ({
  fill: (data, counter) => {
    fillNormal(data, counter);
    for (let i = 0; i < data.length; i++) data[i]! += offset;
  },
});

function scan(
  { B, T, I, N, step = -2, bare = false, h0 = false, softplus = 1, asGpu = false, spans }: ScanCase,
): OpCase {
  return {
    asGpu,
    also: (executor) => spans ? [new ScanInSpans(executor, spans)] : [],
    withoutCotangent: ["states"],
    build: (tape, input) => {
      const udt = withRows(input("udt", [B, T, 2, I], softplus ? {} : { fill: fillUniform }), 2);
      const bc = withRows(input("bc", [B, T, 2, N]), 2);
      const aLog = input("aLog", [I, N], { fill: (data, counter) => fillUniform(data, counter, { high: 2.7 }) });
      const state = h0 ? input("h0", [B, I, N]) : undefined;
      if (bare) return selectiveScan(tape, { udt, bc, aLog, h0: state }, { softplus });
      const z = input("z", [B, T, I]), skip = input("skip", [I]), dtBias = input("dtBias", [I], stepSizes(step));
      return selectiveScan(tape, { udt, bc, z, aLog, skip, dtBias, h0: state }, { softplus });
    },
  };
}

const CASES: ScanCase[] = [
  { B: 1, T: 1, I: 1, N: 1 },
  { B: 2, T: 33, I: 63, N: 16, asGpu: true },
  { B: 1, T: 65, I: 65, N: 8 },
  { B: 1, T: 257, I: 5, N: 16 },
  { B: 2, T: 32, I: 130, N: 5 },
  { B: 1, T: 40, I: 6, N: 32, asGpu: true },
  { B: 2, T: 39, I: 9, N: 11 },
  { B: 2, T: 77, I: 68, N: 6, h0: true, spans: 3 },
  { B: 1, T: 130, I: 65, N: 5, bare: true, h0: true, spans: 2 },
  { B: 1, T: 257, I: 4, N: 16, step: 1, spans: 5 },
  { B: 2, T: 63, I: 7, N: 16, step: -9 },
  { B: 1, T: 20, I: 9, N: 16, step: 5 },
  { B: 2, T: 31, I: 66, N: 16, bare: true },
  { B: 1, T: 45, I: 5, N: 16, bare: true, softplus: 0, h0: true, asGpu: true },
];

for (const [i, shape] of CASES.entries()) {
  const unless = i === 4 || i === 8;
  thorough(`selective_scan ${JSON.stringify(shape)}`, () => checkOp("selective_scan", scan(shape)), { unless });
}

thorough("selective_scan of slices of wider tensors", () =>
  checkOp("selective_scan", {
    withoutCotangent: ["states"],
    build: (tape, input) => {
      const [B, T, I, N] = [2, 37, 10, 8];
      const wide = input("wide", [B, T, 2 * I]), packed = input("packed", [B, T, 2 * I + 2 * N]);
      const other = linear(tape, { x: sliceColumns(wide, 0, [I]), w: input("w", [3, I]) });
      const scanned = selectiveScan(tape, {
        z: sliceColumns(wide, I, [I]),
        udt: sliceColumns(packed, 0, [2, I]),
        bc: sliceColumns(packed, 2 * I, [2, N]),
        aLog: input("aLog", [I, N]),
        skip: input("skip", [I]),
        dtBias: input("dtBias", [I], stepSizes(-2)),
      });
      return { ...scanned, other };
    },
  }));
