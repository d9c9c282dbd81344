/** Attention maps of an arm after a stage: attention-STAGE.safetensors. */
import { join } from "../system/path.ts";
import { type Disk, parseJson, writeAtomic } from "../disk/mod.ts";
import { HymbaError } from "../errors.ts";
import { readSafetensors } from "../params/read_safetensors.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsFile,
  type StoredTensor,
} from "../params/safetensors.ts";
import { attentionFile } from "./paths.ts";
import { attentionMapsOf } from "./read_run.ts";
import type { StageName } from "./rules.ts";
import type { AttentionMap } from "./types.ts";

/** Cells of the lower triangle with its diagonal. */
const triangle = (P: number) => P * (P + 1) / 2;

/** Stores attention maps beside an arm's weights. */
export async function writeMaps(
  disk: Disk,
  folder: string,
  { stage, maps }: { stage: StageName; maps: readonly AttentionMap[] },
): Promise<void> {
  const tensors: Record<string, StoredTensor> = {};
  for (const { layer, positions: P, probabilities, heads } of maps) {
    tensors[`layer.${layer}`] = { dtype: "F32", shape: [P, P], data: Float32Array.from(probabilities) };
    if (heads === undefined) continue;
    const shape = [heads.length / triangle(P), triangle(P)];
    tensors[`layer.${layer}.heads`] = { dtype: "U8", shape, data: Uint8Array.from(heads) };
  }
  // The maps of one text have the same labels, which are stored once, because the length of a header is limited.
  const [first] = maps, same = JSON.stringify(first?.labels);
  const about = maps.map(({ probabilities: _, heads: __, labels, ...rest }) =>
    JSON.stringify(labels) === same ? rest : { ...rest, labels }
  );
  const words = { maps: JSON.stringify(about), ...(first && { labels: same }) };
  await writeAtomic(disk, join(folder, attentionFile(stage)), encodeSafetensors(tensors, words));
}

/** Reads a file of attention maps. Throws a HymbaError when what it says of its tensors does not hold. */
export const decodeMaps = (bytes: Uint8Array<ArrayBuffer>, name: string): AttentionMap[] =>
  mapsOf(decodeSafetensors(bytes, { name }), name);

/** The same from a disk. */
export const readMaps = async (disk: Disk, path: string): Promise<AttentionMap[]> =>
  mapsOf(await readSafetensors(disk, path), path);

/** Sums of rounded probabilities may be a little above 1. */
const MOST = 1.01;

function requireProbabilities(values: Float32Array, what: string): void {
  const wrong = values.find((value) => !(value >= 0 && value <= MOST));
  if (wrong === undefined) return;
  throw new HymbaError(`${what} has a number that is no probability`, { expected: "0 to 1", got: String(wrong) });
}

function mapsOf({ tensors, metadata }: SafetensorsFile, name: string): AttentionMap[] {
  const found = parseJson(metadata.maps ?? "[]", name);
  const shared = metadata.labels === undefined ? {} : { labels: parseJson(metadata.labels, name) };
  const about: unknown = Array.isArray(found) ? found.map((map: object) => ({ ...shared, ...map })) : found;
  return attentionMapsOf(about, name).map((map) => {
    const own = (key: string) => Object.hasOwn(tensors, key) ? tensors[key] : undefined;
    const mean = own(`layer.${map.layer}`), heads = own(`layer.${map.layer}.heads`);
    const fits = heads === undefined || heads.dtype === "U8" && heads.data.length % triangle(map.positions) === 0;
    if (fits && mean?.dtype === "F32" && mean.data.length === map.positions ** 2) {
      requireProbabilities(mean.data, `${name}: the map of layer ${map.layer}`);
      return { ...map, probabilities: mean.data, ...(heads?.dtype === "U8" && { heads: heads.data }) };
    }
    throw new HymbaError(`${name}: the map of layer ${map.layer} is missing or has another size`, {
      expected: `F32 [${map.positions}, ${map.positions}], and heads of ${triangle(map.positions)} bytes`,
    });
  });
}
