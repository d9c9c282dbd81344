/** A diagram of one layer: projection, branches and fusion, with the widths of the configuration. */
import type { HymbaConfig, Layer } from "../../config/mod.ts";
import { projectionParts } from "../../params/specs.ts";
import { FAINT, tinted } from "../palette.ts";
import { type Insert, type Markup, markup } from "../document/html.ts";
import { arrow, drawing, label, textBox } from "../document/svg.ts";
import { attentionName, PARTS } from "./layer_stack.ts";

const COLUMN = 310, STEP = 62, BOX = 42, LEFT = 40, TOP = 20;

/** The lines of text in one box. */
type BoxText = readonly string[];

/** The branch's own output projection, if the configuration has one. */
const branchExit = ({ branchWidth, dModel, separateOutputs }: HymbaConfig, layer: Layer): string[] => {
  if (branchWidth > 0) return [`to ${branchWidth}, then to ${dModel}`];
  return separateOutputs && layer.attention && layer.mamba ? [`its own projection to ${dModel}`] : [];
};

/** How the outputs of two branches are joined. */
function joinLines({ fusion, innerDim, dModel, branchWidth, separateOutputs }: HymbaConfig): string[] {
  const width = branchWidth > 0 || separateOutputs ? dModel : innerDim;
  switch (fusion) {
    case "mean":
      return ["mean of both, each after its own RMSNorm", `width ${width}`];
    case "sum":
      return ["sum of both", `width ${width}`];
    case "concat":
      return ["concatenation of both", `width ${2 * width}`];
    case "gate":
      return ["s · attention + (1 − s) · Mamba, one learned s per layer", `width ${width}`];
  }
}

function attentionBoxes(config: HymbaConfig, layer: Layer): BoxText[] {
  const { nHeads: H, nKvHeads: G, headDim: K, valueHeadDim: V } = config, owns = layer.kvOwner === layer.index;
  return [
    [
      config.attentionConv > 0
        ? `causal convolution (${config.attentionConv} taps), rotary positions`
        : "rotary positions",
      owns ? `on Q (${H} × ${K}) and K (${G} × ${K})` : `on Q (${H} × ${K})`,
    ],
    [
      `attention, ${attentionName(layer)}`,
      owns ? `${H} query heads on ${G} key–value heads` : "keys and values of an earlier layer",
    ],
    [`heads concatenated: ${H} × ${V}`, ...branchExit(config, layer)],
  ];
}

function mambaBoxes(config: HymbaConfig, layer: Layer): BoxText[] {
  const { innerDim: I, convKernel, dtRank: R, stateSize: N, innerNorms } = config;
  const convolution: BoxText = ["causal convolution, SiLU", `${convKernel} taps, ${I} channels`];
  if (config.state === "off") {
    const gate = ["gate", `${config.dModel} to ${I}, its own projection`];
    return [convolution, gate, ["no scan, times SiLU(z)", ...branchExit(config, layer)]];
  }
  return [
    convolution,
    [`dt (${R}), B (${N}) and C (${N})`, `computed from the input${innerNorms ? ", each normalised" : ""}`],
    ["selective scan, times SiLU(z)", [`${I} channels × ${N} states`, ...branchExit(config, layer)].join("; ")],
  ];
}

/** A column of boxes joined by arrows. */
function column(boxes: readonly BoxText[], { x, y, colour }: { x: number; y: number; colour: string }): Markup {
  return markup`${
    boxes.map((lines, index) =>
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

/** The projection into the branches and the one out of them, in words. */
function projectionTexts(config: HymbaConfig, layer: Layer): { entry: BoxText; exit: BoxText } {
  const { branchWidth, dModel } = config;
  const parts = Object.entries(projectionParts(config, layer)).filter(([, size]) => size > 0);
  const split = parts.map(([name, size]) => `${name === "x" ? "x" : name.toUpperCase()} ${size}`).join(" | ");
  if (branchWidth > 0) {
    return {
      entry: [`into each branch: ${dModel} to ${branchWidth}, then`, split],
      exit: ["added to the residual stream"],
    };
  }
  const separate = config.separateOutputs && layer.attention && layer.mamba;
  return {
    entry: ["one input projection without bias", split],
    exit: separate
      ? ["added to the residual stream"]
      : [`output projection to ${dModel}, added to the residual stream`],
  };
}

/** Draws the mixer of a layer. */
export function blockDiagram(config: HymbaConfig, layer: Layer): Markup {
  const branches = [
    layer.attention &&
    { boxes: attentionBoxes(config, layer), colour: layer.window > 0 ? PARTS.local : PARTS.global },
    layer.mamba && { boxes: mambaBoxes(config, layer), colour: PARTS.mamba },
  ].filter((branch) => branch !== false);
  const width = 2 * LEFT + Math.max(2, branches.length) * COLUMN, middle = width / 2;
  const branchTop = TOP + 2 * STEP, joinTop = branchTop + 3 * STEP, outTop = joinTop + STEP;
  const down = (x: number, from: number, to: number) => arrow([[x, from], [x, to]]);
  const wideBox = (y: number, text: BoxText) =>
    textBox([LEFT, y, width - 2 * LEFT, BOX], text, { fill: tinted(PARTS.end, 0.06), stroke: FAINT, size: 12.5 });
  const { entry, exit } = projectionTexts(config, layer);
  const parts: Insert[] = [
    wideBox(TOP, [`RMSNorm of the residual stream, width ${config.dModel}`]),
    down(middle, TOP + BOX, TOP + STEP),
    wideBox(TOP + STEP, entry),
  ];
  for (const [index, { boxes, colour }] of branches.entries()) {
    const x = middle - branches.length * COLUMN / 2 + index * COLUMN + 15, centre = x + (COLUMN - 30) / 2;
    parts.push(down(centre, TOP + STEP + BOX, branchTop), column(boxes, { x, y: branchTop, colour }));
    parts.push(down(centre, joinTop - (STEP - BOX), joinTop));
  }
  parts.push(
    wideBox(joinTop, branches.length > 1 ? joinLines(config) : ["the branch's output"]),
    down(middle, joinTop + BOX, outTop),
    wideBox(outTop, exit),
    down(middle, outTop + BOX, outTop + BOX + 20),
    label("then RMSNorm, SwiGLU, and another sum", { x: middle, y: outTop + BOX + 34, anchor: "middle" }),
  );
  return drawing({ width, height: outTop + BOX + 46, title: `Mixer of layer ${layer.index}` }, parts);
}
