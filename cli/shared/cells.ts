/** Runs single cells of a study, each in a run folder of its own. */
import { join } from "node:path";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import type { StudyConfig } from "../../core/config/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { FILES, type Run } from "../../core/record/mod.ts";
import { branchesOff, type Cell, cellsNamed } from "../../core/study/cells.ts";
import { writeChecksums } from "../../core/verify/checksums.ts";
import { isJob, stopWithParent } from "../ui/job.ts";
import { scoreEstimate } from "./estimate.ts";
import { type Conduct, noteOtherKernels, preparedStudy, type RunnableStudy, runWithRestarts } from "./study.ts";
import { word } from "./value_parsers.ts";
import { commandAmong, printJson } from "../ui/output.ts";

export const cellOption = optional(
  option("--cell", word("I[,J…]"), {
    description:
      message`only these cells of the study, such as 3 or 0-2,5, each in a folder of its own; hymba cells lists them, hymba merge joins them`,
  }),
);

/** The run folder of a cell, below the folder that all cells of a study share. */
export const cellFolder = (folder: string, index: number): string => join(folder, `cell-${index}`);

/** The result of a cell. `done` is false if the training or its probe diverged. */
interface CellEnd {
  readonly index: number;
  readonly arm: string;
  readonly seed: number;
  readonly folder: string;
  readonly done: boolean;
}

function endOf({ index, arm: { name: arm }, seed }: Cell, { folder, run }: { folder: string; run: Run }): CellEnd {
  const probed = run.record.study.recall?.arms.some(({ name }) => name === arm) ?? false;
  return { index, arm, seed, folder, done: run.results.length === 1 && (!probed || run.recall.length === 1) };
}

const inWords = ({ index, arm, seed, folder, done }: CellEnd): string =>
  `cell ${index} (${arm}, seed ${seed}) ${done ? "done" : "diverged"}: ${folder}`;

/**
 * Throws a UsageError for a study whose steps depend on the speed of the machine, because its cells would be of different
 * studies.
 */
export function requireSameEverywhere({ budget }: StudyConfig): void {
  if (budget !== "seconds") return;
  throw new UsageError("a study with a budget of seconds cannot be split into cells", {
    expected: "a study with the same steps on every machine",
    hint: "--set budget=flops matches the models by arithmetic; without --cell one machine runs the whole study",
  });
}

/**
 * Runs cells one after another in this process, each in its folder below `folder`. Finished cells are not run again. Shorter
 * trainings start from the checkpoint of their trunk if that is among the cells.
 */
export async function trainHere(
  ready: RunnableStudy,
  { cells, folder: root }: { cells: readonly Cell[]; folder: string },
): Promise<CellEnd[]> {
  const ends: CellEnd[] = [], say = (line: string) => ready.display.say(line);
  for (const cell of cells) {
    const folder = cellFolder(root, cell.index);
    const begun = performance.now(), isNew = await systemDisk.stat(join(folder, FILES.record)) === undefined;
    await noteOtherKernels(folder, say);
    const trunk = cells.find((other) => branchesOff(cell, other));
    const run = await runWithRestarts({ ...ready, folder }, {
      cells: [cell],
      branchCells: cells.filter((other) => branchesOff(other, cell)),
      ...(trunk && { trunkFolder: cellFolder(root, trunk.index) }),
    });
    await writeChecksums(systemDisk, folder);
    const need = ready.need?.cells[cell.index];
    // The time of a shorter training depends on whether it starts from its trunk.
    if (isNew && need && cell.arm.trunk === undefined) {
      await scoreEstimate("cell", need, { begun, opened: ready.opened, say });
    }
    ends.push(endOf(cell, { folder, run }));
  }
  return ends;
}

/** Runs the named cells and prints their results. */
export async function conductCells(given: Conduct, words: string): Promise<void> {
  requireSameEverywhere(given.study);
  if (isJob()) stopWithParent();
  const ready = await preparedStudy(given), cells = cellsNamed(words, ready.study);
  const ends = await trainHere(ready, { cells, folder: given.folder });
  if (given.json) printJson(commandAmong("ablate", "sweep"), { cells: ends });
  else console.log(ends.map(inWords).join("\n"));
  if (ends.some(({ done }) => !done)) Deno.exitCode = 1;
}
