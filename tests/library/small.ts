/** A model that takes milliseconds, for tests. */
import { Hymba, HymbaConfig, type HymbaCreateOptions } from "../../mod.ts";

export const SIZES = { vocabSize: 60, dModel: 16, nLayers: 2, nHeads: 2, nKvHeads: 1, swaWindow: 6, numMetaTokens: 2 };

export const small = (options: HymbaCreateOptions = {}): Promise<Hymba> =>
  Hymba.create(new HymbaConfig(SIZES), { backend: "cpu", threads: 2, ...options });

/** Ids with a rule that can be learned. */
export const tokens: number[] = Array.from({ length: 1500 }, (_, i) => (i * i + 3 * i) % SIZES.vocabSize);

export async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  await test(folder).finally(() => Deno.remove(folder, { recursive: true }));
}
