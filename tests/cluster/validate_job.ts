/**
 * Reads Jobs as a JSON list from standard input, checks each against the published schema, and prints a line for each: `valid`, or
 * what is wrong. It runs as a process of its own without a lock: this package would put a second version of a package of the
 * program into tests/deno.lock.
 */
interface Schema {
  readonly Job: new (value: unknown) => { validate(): void };
}

// The name is built, so that nothing fetches the package but this process.
const PACKAGE = "npm:kubernetes-models@5.1.0";
const { Job } = await import(`${PACKAGE}/batch/v1/Job`) as Schema;

const jobs = JSON.parse(await new Response(Deno.stdin.readable).text());
for (const job of jobs) {
  try {
    new Job(job).validate();
    console.log("valid");
  } catch (error) {
    console.log(String(error));
  }
}
