/** The data of the page's attention maps: one byte per cell of the lower triangle, for the mean and for each head. */
import { attentionCodes, LEAST_PROBABILITY } from "../../config/mod.ts";
import { type AttentionMap, type Run, STAGES } from "../../record/mod.ts";
import { printable } from "../../errors.ts";
import { floorOf } from "../attention_chart.ts";
import { AFTER } from "../caption.ts";
import { attentionChanges, limitOf } from "../attention_change.ts";
import type { Rgb } from "../chart/canvas.ts";
import { changeColour, viridis } from "../colour_map.ts";

/** The maps of one layer: the mean of its heads and, where the run has them, each head. */
export interface MapData extends Pick<AttentionMap, "window" | "positions" | "metaTokens" | "labels"> {
  readonly title: string;
  /** The number of heads that follow the mean. */
  readonly heads: number;
  /** The codes in Base64: those of the mean, then those of each head. */
  readonly planes: string;
  /** The lowest probability of the colour scale. */
  readonly floor: number;
}

function mapOf(map: AttentionMap): MapData {
  const { layer, kind, window, positions, metaTokens, labels, probabilities, heads = new Uint8Array(0) } = map;
  const mean = attentionCodes(probabilities, positions);
  return {
    title: `layer ${layer}, ${kind}${window > 0 ? `, window ${window}` : ""}`,
    window,
    positions,
    metaTokens,
    labels: labels.map(printable),
    heads: heads.length / mean.length,
    planes: Buffer.concat([mean, heads]).toString("base64"),
    floor: floorOf(map),
  };
}

/** The maps of all stages of a run; undefined when it has no maps. */
export function mapData({ attention }: Run) {
  const stages = STAGES.flatMap((stage) => {
    const maps = attention[stage] ?? [];
    return maps.length > 0 ? [{ title: AFTER[stage], maps: maps.map(mapOf) }] : [];
  });
  const scale = (colour: (share: number) => Rgb) => Array.from({ length: 256 }, (_, i) => colour(i / 255));
  if (stages.length === 0) return undefined;
  const changed = attentionChanges({ attention });
  return {
    stages,
    least: LEAST_PROBABILITY,
    colours: scale(viridis),
    // The change of a cell from one stage to the next has a scale of its own.
    ...(changed.length > 0 && { change: limitOf(changed), changes: scale((share) => changeColour(2 * share - 1)) }),
  };
}
