/** The keys of a sweep: which values of which keys are tried, and how the choice is made. */
import { either, flag, list, text, whole } from "../config/mod.ts";
import type { Key } from "./key.ts";

export const SWEEP: readonly Key[] = [
  {
    path: "sweep.over",
    type: list(text("a key with values, such as pretraining.rate=1e-3,2e-3,4e-3"), {
      min: 1,
      max: 8,
      words: 'a list such as ["pretraining.rate=1e-3,2e-3,4e-3"]',
    }),
    meaning: "Keys of model, pretraining or an arm with the values to try. Several keys make a grid.",
    follows: { from: [], how: "no sweep, or the keys of --over" },
  },
  {
    path: "sweep.seeds",
    type: either(
      whole(1000),
      list(whole(2 ** 31, 0), { min: 1, max: 1000, words: "a list of different whole numbers from 0 to 2147483648" }),
    ),
    meaning: "The number of trainings of each point, with the seeds 10001, 10002, …, or a list of seeds.",
    usual: 2,
  },
  {
    path: "sweep.perArm",
    type: flag,
    meaning: "Choose for each model separately. Otherwise one choice for all.",
    usual: false,
  },
  {
    path: "sweep.extend",
    type: whole(16, 0),
    meaning: "How many times a grid is extended if its best value is at an edge.",
    usual: 3,
  },
];
