import { join } from "node:path";
import { withEnvironment } from "../../core/device/dawn.ts";

/** Runs `work` with an empty cache folder and an empty HYMBA_DATA_DIR. */
export async function withFolders(work: (folders: { cache: string; data: string }) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  const cache = join(root, "cache"), data = join(root, "data");
  await Deno.mkdir(data);
  const home = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? root, ".cache");
  // Deno keeps npm packages below XDG_CACHE_HOME. Its old folder is kept, so that no test downloads them again.
  const changed = {
    XDG_CACHE_HOME: cache,
    HYMBA_DATA_DIR: data,
    DENO_DIR: Deno.env.get("DENO_DIR") ?? join(home, "deno"),
  };
  try {
    await withEnvironment(changed, () => work({ cache, data }));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}
