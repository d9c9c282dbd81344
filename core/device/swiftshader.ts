/** SwiftShader, a Vulkan driver for the processor, from an npm package. */
import { dirname, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { cacheFolder, exclusively } from "../disk/cache_folder.ts";
import { type Disk, makeFolders, removeTree, sha256, systemDisk, temporaryName, writeFile } from "../disk/mod.ts";
import { npmPackage } from "../disk/npm_package.ts";
import { HymbaError } from "../errors.ts";
import { readTar } from "./tar.ts";

/** The npm package with SwiftShader's Vulkan driver and a Vulkan loader for Linux on x86-64. */
const PACKAGE = "@sparticuz/chromium@153.0.0";

/** SHA-256 of each file taken from the package. */
const FILES: Readonly<Record<string, string>> = {
  "libvk_swiftshader.so": "2f3ceffaaca7d031bc3943f8eacf398a5d9c42c5fe0d15d8840b9acfa630b58e",
  "libvulkan.so.1": "8ee5ac00fd7968e863b05e0f6808057db16a00ad322777e5a05bed51d4f84085",
  "vk_swiftshader_icd.json": "c9eef28b6b984fec220ef0abfecc40b502d46946706e47bfe97707027cb818bd",
};

/** The folder of SwiftShader in the cache. It need not exist. */
export const swiftShaderFolder = (): string => join(cacheFolder(), "swiftshader-153.0.0");

async function intact(disk: Disk, folder: string): Promise<boolean> {
  for (const [name, digest] of Object.entries(FILES)) {
    const path = join(folder, name);
    if ((await disk.stat(path))?.kind !== "file" || sha256(await disk.read(path)) !== digest) return false;
  }
  return true;
}

async function unpack(disk: Disk, folder: string, archive: Uint8Array): Promise<void> {
  const files = readTar(new Uint8Array(brotliDecompressSync(archive)));
  const temporary = temporaryName(folder);
  await removeTree(disk, temporary);
  await disk.makeFolder(temporary);
  for (const [name, digest] of Object.entries(FILES)) {
    const bytes = files.get(name);
    const got = bytes ? sha256(bytes) : "no such file";
    if (!bytes || got !== digest) {
      throw new HymbaError(`${name} in the npm package ${PACKAGE} has the wrong checksum`, {
        expected: `SHA-256 ${digest}`,
        got,
        hint: "check the configured npm registry, or install a Vulkan driver (hymba doctor shows the command)",
      });
    }
    await writeFile(disk, join(temporary, name), bytes);
    await disk.syncFile(join(temporary, name));
  }
  await disk.syncFolder(temporary);
  await removeTree(disk, folder);
  await disk.rename(temporary, folder);
  await disk.syncFolder(dirname(folder));
}

/**
 * Returns the folder of SwiftShader, whose files are checked. Downloads and unpacks it if it is missing or damaged. When several
 * processes start at once, one downloads and the others wait.
 */
export async function ensureSwiftShader({ disk = systemDisk, onProgress }: {
  disk?: Disk;
  onProgress?: (message: string) => void;
} = {}): Promise<string> {
  const folder = swiftShaderFolder();
  if (await intact(disk, folder)) return folder;
  await makeFolders(disk, dirname(folder));
  return await exclusively(disk, `${folder}.lock`, {
    onWait: () => onProgress?.("waiting for another process, which is downloading SwiftShader"),
    work: async () => {
      if (await intact(disk, folder)) return folder;
      onProgress?.(`downloading SwiftShader, a Vulkan driver for the processor (npm ${PACKAGE}, 70 MB, only once)`);
      const source = await npmPackage(disk, PACKAGE, { onProgress });
      await unpack(disk, folder, await disk.read(join(source, "bin", "swiftshader.tar.br")));
      onProgress?.(`SwiftShader is ready in ${folder}`);
      return folder;
    },
  });
}
