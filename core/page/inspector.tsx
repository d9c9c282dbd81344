/** The form of the parts that look into one layer of one model. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { at } from "../lists.ts";
import { useAsked } from "./asked.ts";
import type { Bench, Chosen } from "./chosen.tsx";
import type { ModelSource } from "./engine/messages.ts";
import type { Engines } from "./engines.ts";
import { Button, Select, TextField } from "./fields.tsx";

/** The result for a layer. */
export interface Shown<View> {
  readonly model: string;
  readonly layer: string;
  readonly view: View;
}

export interface InspectorProps<View> {
  readonly bench: Bench;
  /** The initial text of the form. */
  readonly first: string;
  /** The message if no model has such a layer. */
  readonly none: string;
  /** The layers of a model that can be looked into, with their words. */
  layersOf(model: Chosen): readonly (readonly [value: string, words: string])[];
  /** More fields. */
  fields?(model: Chosen): ComponentChildren;
  look(engines: Engines, asked: { model: ModelSource; text: string; layer: number }): Promise<View>;
  show(shown: Shown<View>): ComponentChildren;
}

export function Inspector<View>({ bench, first, none, layersOf, fields, look, show }: InspectorProps<View>) {
  const able = bench.models.filter((model) => layersOf(model).length > 0), [text, setText] = useState(first);
  const [arm, setArm] = useState(""), [wanted, setWanted] = useState("");
  const [asked, ask] = useAsked<Shown<View>>();
  const model = able.find((one) => one.arm.name === arm) ?? able.at(-1);
  if (!model) return <p>{none}</p>;
  const layers = layersOf(model), [layer] = layers.find(([value]) => value === wanted) ?? at(layers, 0);
  const submit = (event: Event) => {
    event.preventDefault();
    ask(async () => {
      const asked = { model: model.source, text, layer: Number(layer) };
      return { model: model.arm.name, layer, view: await look(await bench.engines(), asked) };
    });
  };
  return (
    <>
      <form onSubmit={submit}>
        <TextField label="Text" value={text} onText={setText} />
        <div class="fields">
          <Select label="model" value={model.arm.name} options={able.map(optionOf)} onChoose={setArm} />
          <Select label="layer" value={layer} options={layers} onChoose={setWanted} />
          {fields?.(model)}
          <Button type="submit" idle={asked.busy}>Show</Button>
        </div>
      </form>
      {asked.problem && <p class="warning" role="alert">{asked.problem}</p>}
      {asked.answer && show(asked.answer)}
    </>
  );
}

const optionOf = ({ arm: { name } }: Chosen) => [name, name] as const;
