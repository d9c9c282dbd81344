/** Records an evaluation on the test part of a run before it starts. */
import { join } from "node:path";
import { lockFolder, systemDisk } from "../../core/disk/mod.ts";
import { addReading, FILES, type Reading } from "../../core/record/mod.ts";
import { dropChecksums, updateChecksum } from "../../core/verify/checksums.ts";
import { commandLine } from "../ui/environment.ts";
import { say } from "../ui/say.ts";

/** Adds an evaluation to the list of a run. Throws a HymbaError if another process works in the folder. */
export async function noteReading(folder: string, reading: Pick<Reading, "by" | "models">): Promise<void> {
  const held = await lockFolder(systemDisk, folder);
  try {
    // Off the list of checksums while it changes: a call that is killed leaves no wrong checksum.
    await dropChecksums(systemDisk, folder, [join(folder, FILES.record)]);
    try {
      await addReading(systemDisk, folder, { ...reading, command: commandLine() });
    } finally {
      await updateChecksum(systemDisk, folder, FILES.record);
    }
  } finally {
    await held.close();
  }
  say(`note: this evaluates on the test part of ${folder}, which is recorded in its ${FILES.record}`);
}
