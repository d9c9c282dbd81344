/** The cells of a study: one arm with one seed each. They do not depend on one another, so any process may run any of them. */
import type { Arm, StudyConfig } from "../config/mod.ts";
import { UsageError } from "../errors.ts";
import { at } from "../lists.ts";

export interface Cell {
  /** From 0, in the order in which a whole study runs them. */
  readonly index: number;
  readonly arm: Arm;
  readonly seed: number;
}

/** All cells of a study, seed after seed. */
export const cellsOf = ({ arms, seeds }: Pick<StudyConfig, "arms" | "seeds">): Cell[] =>
  seeds.flatMap((seed, row) => arms.map((arm, column) => ({ index: row * arms.length + column, arm, seed })));

/** The study with only the arms of these cells, for checks that look at arms alone. */
export const withArmsOf = (study: StudyConfig, cells: readonly Cell[]): StudyConfig => ({
  ...study,
  arms: study.arms.filter(({ name }) => cells.some(({ arm }) => arm.name === name)),
});

/** Whether the training of `cell` starts from a checkpoint of `trunk`; see `trunk.ts`. */
export const branchesOff = (cell: Cell, trunk: Cell): boolean =>
  cell.arm.trunk === trunk.arm.name && cell.seed === trunk.seed;

/** Groups of cells with common training: a trunk and its branches are one group, any other cell is a group of its own. */
export function groupsOf(cells: readonly Cell[]): Cell[][] {
  const groups: [Cell, ...Cell[]][] = [];
  for (const cell of cells) {
    const own = groups.find(([trunk]) => branchesOff(cell, trunk));
    if (own) own.push(cell);
    else groups.push([cell]);
  }
  return groups;
}

/** Reads `3`, `0,2` or `0-3,7` as cells of a study, in their order. Throws a UsageError for anything else. */
export function cellsNamed(words: string, study: Pick<StudyConfig, "arms" | "seeds">): Cell[] {
  const all = cellsOf(study), wanted = new Set<number>();
  for (const part of words.split(",")) {
    const [, first, last = first] = /^\s*(\d{1,9})(?:-(\d{1,9}))?\s*$/.exec(part) ?? [];
    const from = Number(first), to = Number(last);
    if (first === undefined || from > to || to >= all.length) {
      throw new UsageError(`the study has no cell ${JSON.stringify(part.trim())}`, {
        expected: all.length === 1 ? "0" : `numbers from 0 to ${all.length - 1}, such as 0,2 or 0-${all.length - 1}`,
        hint: "hymba cells lists the cells of a study",
      });
    }
    for (let index = from; index <= to; index++) wanted.add(index);
  }
  return [...wanted].sort((a, b) => a - b).map((index) => at(all, index));
}
