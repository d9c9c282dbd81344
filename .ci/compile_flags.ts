/** Prints the flags of the task `compile`, without the file that it writes: they are in one place, deno.json. */
const { tasks } = JSON.parse(await Deno.readTextFile(new URL("../deno.json", import.meta.url)));
const [, flags] = /deno compile (.*?) --output /.exec(tasks.compile.command) ?? [];
if (flags === undefined) throw new Error("deno.json: the task compile has no flags before --output");
console.log(flags);
