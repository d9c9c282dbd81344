/** The progress of the cells that other processes train. */
import { type StudyConfig, studyOfArm } from "../../core/config/mod.ts";
import type { StudyEvent } from "../../core/study/arm_run.ts";
import type { Cell } from "../../core/study/cells.ts";
import { JobsClock } from "../../core/study/jobs_left.ts";
import { stagesOf } from "../../core/study/stage_plans.ts";
import type { StudyDisplay } from "../ui/study_display.ts";

interface Tracked {
  /** Its share of the flops of all cells. */
  readonly weight: number;
  readonly steps: number;
  /** Steps that are done, by stage. */
  readonly done: Map<string, number>;
  finished: boolean;
}

const seconds = () => performance.now() / 1000;
const nameOf = ({ arm: { name }, seed }: Cell) => ({ arm: name, seed });
const keyOf = (arm: string, seed: number) => JSON.stringify([arm, seed]);

/** Updates of a cell in all its stages, including its recall probe. */
function stepsOf(study: StudyConfig, { arm }: Cell): number {
  const { pretraining, orpo } = studyOfArm(study, arm),
    probed = study.recall?.arms.some(({ name }) => name === arm.name);
  return pretraining.steps + (stagesOf(study).length - 1) * orpo.steps + (probed ? study.recall?.steps ?? 0 : 0);
}

export class JobProgress {
  readonly #cells = new Map<string, Tracked>();
  readonly #all: number;
  readonly #clock: JobsClock | undefined;
  #running = 0;

  /** `flopsOf`: the flops of a cell. `groups`: the cells of each process that is still to run, in their order. */
  constructor(
    private readonly display: StudyDisplay,
    { study, cells, flopsOf, groups, jobs }: {
      study: StudyConfig;
      cells: readonly Cell[];
      flopsOf: (cell: Cell) => number;
      groups: readonly (readonly Cell[])[];
      jobs: number;
    },
  ) {
    const { pieces } = display, named = groups.map((group) => group.map(nameOf));
    if (pieces.length > 0) this.#clock = new JobsClock(pieces, { groups: named, jobs }, seconds());
    for (const cell of cells) {
      const steps = stepsOf(study, cell), weight = flopsOf(cell);
      this.#cells.set(keyOf(cell.arm.name, cell.seed), { weight, steps, done: new Map(), finished: false });
    }
    this.#all = cells.reduce((sum, cell) => sum + flopsOf(cell), 0);
  }

  /** Prints important events as lines, and shows the rest in one bar. */
  take(event: StudyEvent): void {
    const { kind, arm, seed, stage = "", step } = event;
    if (kind === "evaluation" || kind === "failed" || kind === "sampling") this.display.show(event);
    if (kind !== "step") return;
    this.#cells.get(keyOf(arm, seed))?.done.set(stage, step);
    this.#clock?.see({ arm, seed, stage }, step / event.steps, seconds());
    this.#show();
  }

  /** Starts the display. `finished`: the cells that are already done. */
  begin(finished: readonly Cell[]): void {
    this.#mark(finished);
    this.display.beginCells(this.#share);
  }

  finish(cells: readonly Cell[]): void {
    this.#mark(cells);
    this.#clock?.finish(cells.map(nameOf), seconds());
    this.#show();
  }

  #mark(cells: readonly Cell[]): void {
    for (const { arm, seed } of cells) {
      const tracked = this.#cells.get(keyOf(arm.name, seed));
      if (tracked) tracked.finished = true;
    }
  }

  /** The process of these cells starts. */
  start(cells: readonly Cell[]): void {
    this.#running++;
    this.#clock?.begin(cells.map(nameOf), seconds());
  }

  /** A process has ended, whether or not its cells are done. */
  end(): void {
    this.#running--;
  }

  get #share(): number {
    const part = ({ weight, steps, done, finished }: Tracked) =>
      weight * (finished ? 1 : Math.min(1, [...done.values()].reduce((sum, count) => sum + count, 0) / steps));
    return [...this.#cells.values()].reduce((sum, cell) => sum + part(cell), 0) / this.#all;
  }

  #show(): void {
    const cells = [...this.#cells.values()];
    this.display.showCells({
      share: this.#share,
      finished: cells.filter(({ finished }) => finished).length,
      all: cells.length,
      running: this.#running,
      left: this.#clock?.left(),
    });
  }
}
