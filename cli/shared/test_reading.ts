/** What a command does before it reads the test part of a run: it puts itself on the list of readings. */
import { lockFolder, systemDisk } from "../../core/disk/mod.ts";
import { addReading, FILES, type Reading } from "../../core/record/mod.ts";
import { updateChecksum } from "../../core/verify/checksums.ts";
import { commandLine } from "../ui/environment.ts";
import { say } from "../ui/say.ts";

/** Adds a reading to the list of a run. Throws a HymbaError when another process works in the folder. */
export async function noteReading(folder: string, reading: Pick<Reading, "by" | "models">): Promise<void> {
  const held = await lockFolder(systemDisk, folder);
  try {
    await addReading(systemDisk, folder, { ...reading, command: commandLine() });
    await updateChecksum(systemDisk, folder, FILES.readings);
  } finally {
    await held.close();
  }
  say(`note: this reads the test part of ${folder}; ${FILES.readings} says so from now on`);
}
