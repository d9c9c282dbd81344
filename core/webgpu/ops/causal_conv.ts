import backwardCode from "../../../wgsl/causal_conv_backward.wgsl" with { type: "text" };
import forwardCode from "../../../wgsl/causal_conv_forward.wgsl" with { type: "text" };
import activations from "../../../wgsl/lib/activations.wgsl" with { type: "text" };
import { HymbaError } from "../../errors.ts";
import { type Tensor, tensorOver } from "../../tensor/mod.ts";
import type { AttributesNamed } from "../../ops/registry.ts";
import { kernel, type Lowering, placesOf } from "../launch.ts";
import { sumPartials } from "./sum_partials.ts";

type Sizes = AttributesNamed<"causal_conv_forward">;

const FORWARD = kernel("causal_conv_forward", activations, forwardCode);
const BACKWARD = kernel("causal_conv_backward", activations, backwardCode);

/** Positions of one invocation. */
const RUN = 32;
/** Most taps: the length of the arrays in registers. */
const MOST_TAPS = 8;

function sizesOf({ T, I, J }: Sizes, bias: Tensor | undefined) {
  if (J > MOST_TAPS) throw new HymbaError(`causal_conv: ${J} taps`, { expected: `at most ${MOST_TAPS}` });
  return { T, I, J, RUN, HAS_BIAS: bias ? 1 : 0 };
}

const gridOf = ({ B, T, I }: Sizes) => [Math.ceil(I / 64), Math.ceil(T / RUN), B] as const;

export const causalConvForward: Lowering<"causal_conv_forward"> = (
  { attributes, reads: { x, w, bias }, writes: { y } },
) => [{
  kernel: FORWARD,
  constants: { ...sizesOf(attributes, bias), ...placesOf({ X: x, Y: y }) },
  reads: [x, w, bias ?? w],
  writes: [y],
  grid: gridOf(attributes),
}];

export const causalConvBackward: Lowering<"causal_conv_backward"> = (
  { attributes, reads: { dy, x, w, bias }, writes: { dx, dw, dbias } },
  { scratch },
) => {
  const { B, T, I, J } = attributes, parts = B * Math.ceil(T / RUN), DBIAS_AT = parts * I * J;
  const { storage } = scratch("conv", [DBIAS_AT + parts * I]);
  const places = { ...placesOf({ DY: dy, X: x, DX: dx }), DBIAS_AT };
  return [
    {
      kernel: BACKWARD,
      constants: { ...sizesOf(attributes, bias), ...places },
      reads: [dy, x, w, bias ?? w],
      writes: [dx, tensorOver(storage, [storage.elements])],
      grid: gridOf(attributes),
    },
    sumPartials(tensorOver(storage, [parts, I * J]), dw),
    ...(dbias ? [sumPartials(tensorOver(storage, [parts, I], { offset: DBIAS_AT }), dbias)] : []),
  ];
};
