/** Gives a library that asks `navigator.gpu` our Dawn: the same adapter, the same throttled polling. */
import { openDawn } from "../../../../core/device/dawn.ts";

/** Returns the name of the adapter that `navigator.gpu` now finds. */
export async function offerDawn({ adapter }: { adapter: string }): Promise<string> {
  const { gpu, candidate } = await openDawn({ adapter });
  Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
  return candidate.name;
}
