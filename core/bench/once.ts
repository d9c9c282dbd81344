/** Measurements that are made only once, although the process that makes them may be killed and started again. */
import { number, readAs } from "../file_schema.ts";

/**
 * The value of a measurement: the one that an earlier process has kept under this name, else that of `measure`, which is then kept. `as`
 * checks a kept value; `path` is its place, for errors. A value that JSON cannot hold (NaN, infinity) is read back as null.
 */
export type Once = <T>(
  name: string,
  how: { as(value: unknown, path: string): T; measure(): Promise<T> },
) => Promise<T>;

/** Nothing is kept: every measurement is made. */
export const everyTime: Once = (_name, { measure }) => measure();

const seconds = number({ min: 0 });

/** A measured time (s). */
export const secondsOnce = (once: Once, name: string, measure: () => Promise<number>): Promise<number> =>
  once(name, { as: (value, path) => readAs(seconds, value, path), measure });
