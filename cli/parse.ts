/** Parses the command line. Only the modules of the called command are loaded, which keeps the start short. */
import { getDocPage, parseSync } from "@optique/core/parser";
import { PRESETS } from "../core/config/study.ts";
import { type Command, COMMANDS, loadCommand } from "./tree.ts";
import { isQuestion } from "./shared/completion_words.ts";
import { hasColor, printStyled } from "./ui/color.ts";
import { helpPage } from "./ui/help_page.ts";
import type { Action } from "./ui/run.ts";
import type { Request } from "./ui/settings.ts";
import { pageColumns, printText } from "./ui/terminal.ts";
import { parseError, unknownCommand } from "./ui/usage_error.ts";

/** The action of a command line. Throws a UsageError for a wrong one. */
export async function actionOf({ words, help }: Pick<Request, "words" | "help">): Promise<Action> {
  const [name] = words;
  if (name === undefined) return (await import("./shared/next_steps.ts")).printNextSteps;
  if (name === "help") return await actionOf({ words: words.slice(1), help: help ?? "page" });
  if (isQuestion(words)) return async () => printText(await (await import("./complete.ts")).answer(words));
  const command = await loadCommand(name);
  if (!command) throw unknownCommand(name, COMMANDS);
  if (help) return () => Promise.resolve(printStyled(pageOf(command, words, { all: help === "all" }), Deno.stdout));
  const result = parseSync(command, words);
  if (result.success) return result.value;
  throw parseError(result.error, { command, words, presets: PRESETS });
}

/** The words of a command in a group, such as `tokenizer train`, without options and arguments. */
function commandWords(command: Command, words: readonly string[]): string[] {
  const [name = "", inner = ""] = words, page = getDocPage(command, [name]);
  const names = page?.sections.flatMap(({ entries }) => entries.map(({ term }) => term)) ?? [];
  return names.some((term) => term.type === "command" && term.name === inner) ? [name, inner] : [name];
}

/** The help of a command, or of a command of a group. */
export function pageOf(
  command: Command,
  words: readonly string[],
  { all, columns = pageColumns(), color = hasColor(Deno.stdout) }: { all: boolean; columns?: number; color?: boolean },
): string {
  const path = commandWords(command, words), page = getDocPage(command, path);
  return page ? helpPage(path.join(" "), page, { all, columns, color }) : "";
}
