/** The trained models, in use. */
import { Attention } from "./attention.tsx";
import { useChosen } from "./chosen.tsx";
import { States } from "./states.tsx";
import { Surprise } from "./surprise.tsx";
import type { ProgressView, StudyView } from "./views.ts";
import { Write } from "./write.tsx";

/** The parts that use the models. All stay on the page, so that what was made is there when the reader comes back. */
const TOOLS = { write: Write, attention: Attention, states: States, surprise: Surprise } as const;

export function Playground({ part, study, progress }: { part: string; study: StudyView; progress: ProgressView }) {
  const { bench, fields } = useChosen(study, progress.models), sample = progress.samples[0];
  return (
    <>
      {fields}
      {Object.entries(TOOLS).map(([name, Tool]) => (
        <div key={name} data-tool={name} hidden={part !== name}>
          <Tool
            bench={bench}
            first={name === "write" ? sample?.prompt || "\n" : `${sample?.prompt ?? ""}${sample?.text ?? "\n"}`}
          />
        </div>
      ))}
    </>
  );
}
