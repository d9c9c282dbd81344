/** The words of `hymba completions`. */

/** The shells that have completion. */
export const SHELLS = ["bash", "zsh", "fish", "pwsh", "powershell"] as const;

export type Shell = typeof SHELLS[number];

export const isShell = (word: string | undefined): word is Shell => SHELLS.some((shell) => shell === word);

/** Whether a command line is a question of a shell rather than `hymba completions SHELL` itself. */
export const isQuestion = ([command, shell, ...words]: readonly string[]): boolean =>
  command === "completions" && isShell(shell) && words.length > 0;
