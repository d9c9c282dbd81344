/** Finds programs that are installed on this machine. */

/** The path of the first of these programs that is installed. */
export async function programPath(...names: string[]): Promise<string | undefined> {
  for (const name of names) {
    const { success, stdout } = await new Deno.Command("sh", { args: ["-c", `command -v ${name}`] }).output();
    if (success) return new TextDecoder().decode(stdout).trim();
  }
}
