/** Attention maps as data for the page: a byte for each visible cell of the mean and of each head. */
import { attentionCodes, LEAST_PROBABILITY } from "../../config/mod.ts";
import { type AttentionMap, type Run, type StageName, STAGES } from "../../record/mod.ts";
import { printable } from "../../errors.ts";
import { floorOf } from "../attention_chart.ts";
import { viridis } from "../colour_map.ts";

/** One layer with the mean of its heads and, where the run has them, each head. */
export interface MapData extends Pick<AttentionMap, "window" | "positions" | "metaTokens" | "labels"> {
  readonly title: string;
  /** Heads besides the mean. */
  readonly heads: number;
  /** Base64 of the codes: the mean, then head after head. */
  readonly planes: string;
  /** The probability below which all colours are alike. */
  readonly floor: number;
}

const TITLES: Record<StageName, string> = {
  pretraining: "after pretraining",
  orpo: "after ORPO",
  control: "after the control",
};

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

/** The maps of all stages that a run has; undefined when it has none. */
export function mapData({ attention }: Run) {
  const stages = STAGES.flatMap((stage) => {
    const maps = attention[stage] ?? [];
    return maps.length > 0 ? [{ title: TITLES[stage], maps: maps.map(mapOf) }] : [];
  });
  const colours = Array.from({ length: 256 }, (_, at) => viridis(at / 255));
  return stages.length > 0 ? { stages, least: LEAST_PROBABILITY, colours } : undefined;
}
