import { join } from "node:path";

/** Runs `work` with an empty cache folder and an empty HYMBA_DATA_DIR. */
export async function withFolders(work: (folders: { cache: string; data: string }) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  const cache = join(root, "cache"), data = join(root, "data");
  await Deno.mkdir(data);
  const home = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? root, ".cache");
  // Deno keeps npm packages below XDG_CACHE_HOME: fetched once for all tests, they need not come again.
  const changed = {
    XDG_CACHE_HOME: cache,
    HYMBA_DATA_DIR: data,
    DENO_DIR: Deno.env.get("DENO_DIR") ?? join(home, "deno"),
  };
  const before = Object.keys(changed).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(changed)) Deno.env.set(name, value);
  try {
    await work({ cache, data });
  } finally {
    for (const [name, value] of before) value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
    await Deno.remove(root, { recursive: true });
  }
}
