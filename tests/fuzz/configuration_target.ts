import { strict as assert } from "node:assert";
import { ARCH_TYPES, cacheSize, HymbaConfig, type HymbaOptions, layersOf } from "../../core/config/mod.ts";
import { parseJson } from "../../core/disk/mod.ts";
import { parameterCount } from "../../core/params/specs.ts";
import type { Dice } from "./dice.ts";
import { spoilt } from "./spoil.ts";
import type { FuzzTarget } from "./targets.ts";

function generate(dice: Dice): { bytes: Uint8Array<ArrayBuffer>; sound: boolean } {
  const nKvHeads = 1 + dice.below(3), nHeads = nKvHeads * (1 + dice.below(3)), nLayers = 1 + dice.below(5);
  const options: Partial<HymbaOptions> = {
    archType: dice.pick(ARCH_TYPES),
    dModel: nHeads * dice.pick([2, 8, 64]),
    nHeads,
    nKvHeads,
    nLayers,
    globalAttnIndices: [dice.below(nLayers)],
    ...(dice.once(2) ? { numMetaTokens: dice.below(9), swaWindow: 1 + dice.below(40) } : {}),
    ...(dice.once(4) ? { kvGroups: [[0, ...(nLayers > 1 ? [1] : [])]] } : {}),
    ...(dice.once(4) ? { oddGroup: "single", metaInit: "embedding", innerNorms: false } : {}),
  };
  const sound = dice.once(2);
  const made = sound ? options : spoilt(JSON.parse(JSON.stringify(options)), dice);
  return { bytes: new TextEncoder().encode(JSON.stringify(made)), sound };
}

/** What was accepted has layers, parameters and caches of finite sizes, and is accepted again. */
function parse(bytes: Uint8Array<ArrayBuffer>): boolean {
  const given = parseJson(new TextDecoder().decode(bytes), "input");
  const config = new HymbaConfig(given as Partial<HymbaOptions>), layers = layersOf(config);
  assert.equal(layers.length, config.nLayers);
  for (const { kvOwner, index } of layers) assert(kvOwner <= index && layers[kvOwner]!.index === kvOwner);
  assert(Number.isSafeInteger(parameterCount(config)) && parameterCount(config) > 0);
  assert(Number.isSafeInteger(cacheSize(config, 1).kvBytes));
  const again = new HymbaConfig({ ...config });
  for (const key of Object.keys(config)) assert.equal(Reflect.get(again, key), Reflect.get(config, key));
  return true;
}

/** The checks of a model's configuration. */
export const configurationTarget: FuzzTarget = { generate, parse };
