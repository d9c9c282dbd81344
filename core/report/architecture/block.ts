/** One layer in detail: the way of a token through projection, branches and fusion, with the widths of the configuration. */
import type { HymbaConfig, Layer } from "../../config/mod.ts";
import { projectionParts } from "../../params/specs.ts";
import { FAINT, tinted } from "../palette.ts";
import { type Markup, markup } from "../document/html.ts";
import { arrow, drawing, label, textBox } from "../document/svg.ts";
import { attentionName, PARTS } from "./layer_stack.ts";

const COLUMN = 310, STEP = 62, BOX = 42, LEFT = 40, TOP = 20;

interface Stage {
  readonly lines: readonly string[];
}

/** The way back to the stream of a branch that has one of its own. */
const leaving = ({ branchWidth, dModel }: HymbaConfig): string[] =>
  branchWidth > 0 ? [`to ${branchWidth}, then to ${dModel}`] : [];

/** How two branches become one. */
function joinLines({ fusion, innerDim, dModel, branchWidth }: HymbaConfig): string[] {
  const width = branchWidth > 0 ? dModel : innerDim;
  switch (fusion) {
    case "mean":
      return ["mean of both, each after its own RMSNorm", `width ${width}`];
    case "sum":
      return ["sum of both", `width ${width}`];
    case "concat":
      return ["both side by side", `width ${2 * width}`];
    case "gate":
      return ["s · attention + (1 − s) · Mamba, one learned s a layer", `width ${width}`];
  }
}

function attentionStages(config: HymbaConfig, layer: Layer): Stage[] {
  const { nHeads: H, nKvHeads: G, headDim: K, valueHeadDim: V } = config, owns = layer.kvOwner === layer.index;
  return [
    { lines: ["rotary positions", owns ? `on Q (${H} × ${K}) and K (${G} × ${K})` : `on Q (${H} × ${K})`] },
    {
      lines: [
        `attention, ${attentionName(layer)}`,
        owns ? `${H} query heads on ${G} key–value heads` : "keys and values of an earlier layer",
      ],
    },
    { lines: [`heads side by side: ${H} × ${V}`, ...leaving(config)] },
  ];
}

function mambaStages(config: HymbaConfig): Stage[] {
  const { innerDim: I, convKernel, dtRank: R, stateSize: N, innerNorms } = config;
  return [
    { lines: ["causal convolution, SiLU", `${convKernel} taps, ${I} channels`] },
    { lines: [`dt (${R}), B (${N}) and C (${N})`, `from the input itself${innerNorms ? ", each normalised" : ""}`] },
    {
      lines: [
        "selective scan, times SiLU(z)",
        [`${I} channels × ${N} states`, ...leaving(config)].join("; "),
      ],
    },
  ];
}

/** A column of boxes joined by arrows. */
function column(stages: readonly Stage[], { x, y, colour }: { x: number; y: number; colour: string }): Markup {
  return markup`${
    stages.map(({ lines }, index) =>
      markup`${
        textBox([x, y + index * STEP, COLUMN - 30, BOX], lines, {
          fill: tinted(colour, 0.22),
          stroke: colour,
          size: 12.5,
        })
      }${
        index > 0 &&
        arrow([[x + (COLUMN - 30) / 2, y + index * STEP - (STEP - BOX)], [x + (COLUMN - 30) / 2, y + index * STEP]])
      }`
    )
  }`;
}

/** Draws the mixer of a layer. */
export function blockDiagram(config: HymbaConfig, layer: Layer): Markup {
  const colour = layer.window > 0 ? PARTS.local : PARTS.global;
  const branches = [
    ...(layer.attention ? [{ stages: attentionStages(config, layer), colour }] : []),
    ...(layer.mamba ? [{ stages: mambaStages(config), colour: PARTS.mamba }] : []),
  ];
  const width = 2 * LEFT + Math.max(2, branches.length) * COLUMN, middle = width / 2, wide = width - 2 * LEFT;
  const parts = Object.entries(projectionParts(config, layer)).filter(([, size]) => size > 0);
  const split = parts.map(([name, size]) => `${name === "x" ? "x" : name.toUpperCase()} ${size}`).join(" | ");
  const xOf = (index: number) => middle - branches.length * COLUMN / 2 + index * COLUMN + 15;
  const branchTop = TOP + 2 * STEP, joinTop = branchTop + 3 * STEP, outTop = joinTop + STEP;
  const joined = branches.length > 1 ? joinLines(config) : ["the branch's output"];
  const own = config.branchWidth > 0;
  const entry = own
    ? `into each branch: ${config.dModel} to ${config.branchWidth}, then`
    : "one input projection without bias";
  const exit = own
    ? "added to the residual stream"
    : `output projection to ${config.dModel}, added to the residual stream`;
  const grey = { fill: tinted(PARTS.end, 0.06), stroke: FAINT, size: 12.5 };
  const centre = (index: number) => xOf(index) + (COLUMN - 30) / 2;
  return drawing(
    { width, height: outTop + BOX + 46, title: `Mixer of layer ${layer.index}` },
    markup`${textBox([LEFT, TOP, wide, BOX], [`RMSNorm of the residual stream, width ${config.dModel}`], grey)}${
      arrow([[middle, TOP + BOX], [middle, TOP + STEP]])
    }${textBox([LEFT, TOP + STEP, wide, BOX], [entry, split], grey)}${
      branches.map(({ stages, colour }, index) =>
        markup`${arrow([[centre(index), TOP + STEP + BOX], [centre(index), branchTop]])}${
          column(stages, { x: xOf(index), y: branchTop, colour })
        }${arrow([[centre(index), joinTop - (STEP - BOX)], [centre(index), joinTop]])}`
      )
    }${
      textBox(
        [LEFT, joinTop, wide, BOX],
        joined,
        grey,
      )
    }${arrow([[middle, joinTop + BOX], [middle, outTop]])}${textBox([LEFT, outTop, wide, BOX], [exit], grey)}${
      arrow([[middle, outTop + BOX], [middle, outTop + BOX + 20]])
    }${label("then RMSNorm, SwiGLU, and another sum", { x: middle, y: outTop + BOX + 34, anchor: "middle" })}`,
  );
}
