/**
 * The two sets of tests. `task test` runs the quick one: every op, model, command and format once on each executor.
 * `task test:all` also runs the thorough ones, which repeat that on more inputs, for longer, or under faults.
 */
export const QUICK = Deno.env.get("HYMBA_TESTS") === "quick";

type TestFunction = (t: Deno.TestContext) => void | Promise<void>;

/** A test that only `task test:all` runs. `unless`: this case belongs to the quick set too. */
export function thorough(name: string, fn: TestFunction, { unless = false }: { unless?: boolean } = {}): void {
  Deno.test({ name, fn, ignore: QUICK && !unless });
}
