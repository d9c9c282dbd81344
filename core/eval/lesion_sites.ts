/** The parts of a trained model that can be ablated, layer by layer. */
import { type HymbaConfig, type Layer, layersOf } from "../config/mod.ts";
import type { BranchName } from "../nn/mixing.ts";

/** What replaces the output of a branch. */
export type Change = "zero" | "average" | "exchange";
export const CHANGES: readonly Change[] = ["zero", "average", "exchange"];

/** One lesion, as tables name it. */
export interface Lesion {
  /** The layer; absent for the meta tokens of the whole model. */
  readonly layer?: number;
  readonly part: "attention" | "mamba" | "head" | "window" | "meta tokens";
  readonly head?: number;
  /** A {@link Change}, or what the layer sees instead. */
  readonly change: string;
}

/** Columns of a branch's output that a lesion changes. */
interface Columns {
  readonly lesion: Pick<Lesion, "part" | "head">;
  readonly from: number;
  readonly to: number;
}

/** A branch of a layer whose output can be replaced. */
export interface BranchSite {
  readonly layer: Layer;
  readonly of: BranchName;
  readonly columns: readonly Columns[];
}

/** A layer with another window than in training. */
export interface SeeSite {
  readonly layer: Layer;
  readonly window: number;
  readonly meta: number;
  readonly lesion: Lesion;
}

/** The columns of a layer's attention: all heads together, and each head. */
function attentionColumns({ nHeads: H, valueHeadDim: Kv }: HymbaConfig): Columns[] {
  const heads = Array.from({ length: H }, (_, head): Columns => ({
    lesion: { part: "head", head },
    from: head * Kv,
    to: (head + 1) * Kv,
  }));
  return [{ lesion: { part: "attention" }, from: 0, to: H * Kv }, ...heads];
}

/** The branches of all layers. A fusion that concatenates both branches has one tensor for the two. */
export function branchSites(config: HymbaConfig): BranchSite[] {
  const mamba = (from: number): Columns => ({ lesion: { part: "mamba" }, from, to: from + config.innerDim });
  return layersOf(config).flatMap((layer): BranchSite[] => {
    const heads = attentionColumns(config);
    if (layer.attention && layer.mamba && config.fusion === "concat") {
      return [{ layer, of: "both", columns: [...heads, mamba(config.innerDim)] }];
    }
    return [
      ...(layer.attention ? [{ layer, of: "attention" as const, columns: heads }] : []),
      ...(layer.mamba ? [{ layer, of: "mamba" as const, columns: [mamba(0)] }] : []),
    ];
  });
}

/** Other windows for each attention layer, and windows without the meta tokens. */
export function seeSites(config: HymbaConfig): SeeSite[] {
  const M = config.metaTokens;
  return layersOf(config).filter(({ attention }) => attention).flatMap((layer) => {
    const windows: [window: number, change: string][] = [
      [1, "itself only"],
      [config.swaWindow, `${config.swaWindow} tokens`],
      [0, "all before it"],
    ];
    const site = (window: number, meta: number, lesion: Pick<Lesion, "part" | "change">): SeeSite => ({
      layer,
      window,
      meta,
      lesion: { layer: layer.index, ...lesion },
    });
    return [
      ...windows.filter(([window]) => window !== layer.window)
        .map(([window, change]) => site(window, M, { part: "window", change })),
      ...(M > 0 && layer.window > 0
        ? [site(layer.window, 0, { part: "meta tokens", change: "not kept in sight" })]
        : []),
    ];
  });
}
