/** The study files that come with the program. */
import { type Preset, PRESETS } from "../config/mod.ts";
import paper from "./presets/paper.toml" with { type: "text" };
import quick from "./presets/quick.toml" with { type: "text" };
import quickSoftware from "./presets/quick-software.toml" with { type: "text" };
import small from "./presets/small.toml" with { type: "text" };
import smoke from "./presets/smoke.toml" with { type: "text" };

const TEXTS: Readonly<Record<Preset, string>> = { smoke, quick, small, paper, "quick-software": quickSoftware };

/** The text of a preset's study file. */
export const presetText = (name: Preset): string => TEXTS[name];

/** The description of a preset: the first comment of its file. */
export const presetTitle = (name: Preset): string => /^# (.*)$/m.exec(TEXTS[name])?.[1] ?? "";

/** The preset of that name; undefined when there is none. */
export const presetNamed = (name: unknown): Preset | undefined => PRESETS.find((one) => one === name);
