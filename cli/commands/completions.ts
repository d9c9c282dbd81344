/** `hymba completions`: completion of words in a shell. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import { argument, command } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";
import type { Action } from "../ui/run.ts";
import { completionScript } from "../shared/completion.ts";
import { SHELLS } from "../shared/completion_words.ts";

const options = object({
  shell: argument(choice([...SHELLS], { metavar: "SHELL" }), {
    description: message`bash, zsh, fish, pwsh or powershell`,
  }),
});

export const completionsCommand = command(
  "completions",
  map(options, ({ shell }): Action => () => Promise.resolve(console.log(completionScript(shell)))),
  {
    brief: message`completion of commands, options, values, models and runs in a shell`,
    description:
      message`Prints a script for bash, zsh, fish or PowerShell (pwsh), which completes commands, options, their values, and the names of runs and models in this folder. It calls hymba, so hymba must be on the path. In bash: eval "$(hymba completions bash)" in ~/.bashrc; in zsh the same with zsh; in fish: hymba completions fish | source; in PowerShell: hymba completions pwsh | Out-String | Invoke-Expression. Example: hymba completions bash`,
  },
);
