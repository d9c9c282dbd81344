import { strict as assert } from "node:assert";
import { differenceOf } from "../core/report/statistics.ts";
import { loadStudent, studentQuantile } from "../core/student.ts";

/** Source: qt(0.975, df) of R, to ten digits. */
const T95: readonly (readonly [freedom: number, t: number])[] = [
  [1, 12.706204736],
  [2, 4.3026527297],
  [7, 2.3646242516],
  [15, 2.1314495456],
  [16, 2.1199052992],
  [17, 2.1098155778],
  [30, 2.0422724563],
  [100, 1.9839715185],
  [1e6, 1.9599663568],
];

Deno.test("Student's t: the 97.5 % quantile at 1 to 1,000,000 degrees of freedom is the known one to 1e-7", async () => {
  await loadStudent();
  for (const [freedom, t] of T95) {
    assert.ok(
      Math.abs(studentQuantile(0.975, freedom) / t - 1) < 1e-7,
      `${freedom}: ${studentQuantile(0.975, freedom)}`,
    );
    assert.ok(
      Math.abs(studentQuantile(0.025, freedom) / t + 1) < 1e-7,
      `${freedom}: ${studentQuantile(0.025, freedom)}`,
    );
  }
});

Deno.test("Student's t: with 1 and 2 degrees of freedom the quantiles are those of the closed forms", async () => {
  await loadStudent();
  for (const p of [0.0005, 0.01, 0.1, 0.4, 0.6, 0.9, 0.99, 0.9995]) {
    const one = Math.tan(Math.PI * (p - 0.5)), two = (2 * p - 1) / Math.sqrt(2 * p * (1 - p));
    assert.ok(Math.abs(studentQuantile(p, 1) / one - 1) < 1e-7, `${p}: ${studentQuantile(p, 1)}, ${one}`);
    assert.ok(Math.abs(studentQuantile(p, 2) / two - 1) < 1e-7, `${p}: ${studentQuantile(p, 2)}, ${two}`);
  }
});

Deno.test("the interval of many seeds is wider than that of a normal distribution", async () => {
  await loadStudent();
  const differences = Array.from({ length: 18 }, (_, i) => i), { mean, interval } = differenceOf(differences) ?? {};
  const deviation = Math.sqrt(differences.reduce((sum, x) => sum + (x - 8.5) ** 2, 0) / 17);
  assert.equal(mean, 8.5);
  assert.ok(interval && Math.abs((interval[1] - 8.5) / (2.1098155778 * deviation / Math.sqrt(18)) - 1) < 1e-7);
});

Deno.test("what no run of several seeds needs is not loaded: the library stays out of other commands", async () => {
  const source = `
    await import(${JSON.stringify(new URL("../core/report/mod.ts", import.meta.url).href)});
    const { studentQuantile } = await import(${JSON.stringify(new URL("../core/student.ts", import.meta.url).href)});
    try { studentQuantile(0.975, 2); } catch (error) { console.log(error.message); }`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", source],
    cwd: new URL("..", import.meta.url),
  }).output();
  assert.match(new TextDecoder().decode(stdout), /^Student's t distribution is not loaded/);
});
