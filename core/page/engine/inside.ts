/** Analyses of a model on a given text: attention, states of the Mamba branch, and loss of each token. */
import { type Layer, layersOf } from "../../config/mod.ts";
import { onePiece } from "../../data/parts.ts";
import { HymbaError } from "../../errors.ts";
import { attentionOf } from "../../eval/attention.ts";
import { evaluationPlan, Scorer } from "../../infer/scorer.ts";
import { at, present } from "../../lists.ts";
import type { AttentionView, StatesView, SurpriseView } from "./messages.ts";
import type { LoadedModel } from "./model.ts";

/** Most tokens of a picture: it has a row for each. */
const MOST_TOKENS = 256;

function layerOf(model: LoadedModel, index: number): Layer {
  const layer = layersOf(model.config)[index];
  if (layer) return layer;
  throw new HymbaError(`the model has no layer ${index}`, { expected: `0 to ${model.config.nLayers - 1}` });
}

/** The attention of every head of a layer, for the first tokens of a text. */
export async function attention(model: LoadedModel, text: string, index: number): Promise<AttentionView> {
  const ids = model.tokensOf(text).slice(0, MOST_TOKENS), layer = layerOf(model, index);
  const { metaTokens: meta, nHeads: heads } = model.config;
  const [probabilities] = await attentionOf(model.executor, model.store, { ids, layers: [layer] });
  return {
    labels: [...Array.from({ length: meta }, (_, m) => `meta ${m}`), ...model.textsOf(ids)],
    meta,
    heads,
    window: layer.window,
    probabilities: present(probabilities, `the attention of layer ${index}`),
  };
}

/** The state of a layer's scan after each of the first tokens of a text. */
export async function states(model: LoadedModel, text: string, index: number): Promise<StatesView> {
  const ids = model.tokensOf(text).slice(0, MOST_TOKENS), { innerDim: channels, stateSize: size } = model.config;
  const all = new Float32Array(ids.length * channels * size), session = await model.session(ids.length);
  try {
    for (const [t, id] of ids.entries()) {
      await session.push(Uint32Array.of(id));
      const state = await session.cache(index, "scan");
      all.set(present(state, `the state of layer ${index}`), t * channels * size);
    }
  } finally {
    session.dispose();
  }
  return { labels: model.textsOf(ids), channels, size, states: all };
}

/** The loss of every token of a text but the first, in windows of the trained length. */
export async function surprise(model: LoadedModel, text: string): Promise<SurpriseView> {
  const ids = model.tokensOf(text, { least: 2 }), T = Math.min(model.sequenceLength, ids.length - 1);
  const scorer = await Scorer.create(model.executor, evaluationPlan(model.store, { B: 1, T }));
  try {
    const logps = await scorer.tokenLogps(onePiece(ids));
    const bytes = new TextEncoder().encode(text).length - model.tokenizer.bytesOf(at(ids, 0));
    return { tokens: model.textsOf(ids), nats: logps.map((logp) => -logp), bytes };
  } finally {
    scorer.dispose();
  }
}
