/** The arms of a study: models of a suite, and arms of the file that start from them. */
import {
  type Arm,
  FieldError,
  HymbaConfig,
  type HymbaOptions,
  knownRecipes,
  lengthOfPattern,
  type Recipe,
  type Shape,
  type Suite,
  type Value,
} from "../config/mod.ts";
import { quoted } from "../errors.ts";
import { meantHint } from "../nearest.ts";
import { nameOf } from "./key.ts";
import { keyAt } from "./keys.ts";
import { type Fault, faultAt, type Given, type Origin, type Values } from "./values.ts";

/** Fields that an arm has of its own even in the small models of the recall probe, which have sizes of their own. */
const KINDS: readonly (keyof HymbaOptions)[] = [
  ...["archType", "windowed", "useMetaTokens", "useKvSharing", "innerNorms", "fusion", "oddGroup"] as const,
  ...[
    "separateOutputs",
    "state",
    "attentionConv",
    "stateSize",
    "convKernel",
    "ropeBase",
    "normEps",
    "stepInit",
    "mambaInit",
    "outputInit",
    "fusionInit",
  ] as const,
];

/** The entries of one arm in the file. */
interface OwnArm {
  readonly name: string;
  readonly from?: string;
  readonly fields: Readonly<Record<string, Value>>;
  /** Of the arm's first key. */
  readonly origin: Origin;
}

/** The arms that the sources describe, by name, in their order. */
function ownArms(values: Values): Map<string, OwnArm> {
  const arms = new Map<string, OwnArm>();
  for (const [path, { value, origin }] of values) {
    const [first, name, field, inner] = path.split(".");
    if (first !== "arms" || name === undefined || field === undefined) continue;
    const arm = arms.get(name) ?? { name, fields: {}, origin };
    if (inner !== undefined) arms.set(name, arm);
    else if (field === "from") arms.set(name, { ...arm, from: String(value) });
    else arms.set(name, { ...arm, fields: { ...arm.fields, [field]: value } });
  }
  return arms;
}

/** The values below a table, without its name. */
export function fieldsOf(values: Values, table: string): Record<string, Value> {
  const found: Record<string, Value> = {};
  for (const [path, { value }] of values) {
    const name = path.slice(table.length + 1);
    if (path.startsWith(`${table}.`) && !name.includes(".")) found[name] = value;
  }
  return found;
}

/** A shape with the changes of an arm. The length of a pattern overrides the number of layers of the shape. */
function withLayers(shape: Shape, changes: Partial<HymbaOptions>): Partial<HymbaOptions> {
  const length = changes.layers === undefined ? undefined : lengthOfPattern(changes.layers);
  return { ...shape, ...(length === undefined ? {} : { nLayers: length }), ...changes };
}

export class Arms {
  readonly #own: Map<string, OwnArm>;
  readonly #recipes: readonly Recipe[];
  readonly #faults = new Map<string, Fault>();

  constructor(private readonly values: Values, private readonly suite: Suite) {
    this.#own = ownArms(values);
    this.#recipes = knownRecipes(suite);
  }

  /** The faults so far, each once. */
  get faults(): Fault[] {
    return [...this.#faults.values()];
  }

  /** The names of the study's arms: those in `models`, else those of the suite and then those of the file. */
  names(suiteNames: readonly string[]): string[] {
    const { value, origin } = this.values.get("models") ?? {} as Partial<Given>;
    const names = Array.isArray(value) ? value.map(String) : [...new Set([...suiteNames, ...this.#own.keys()])];
    const known = [...this.#recipes.map(({ name }) => name), ...this.#own.keys()];
    for (const [i, name] of names.entries()) {
      const at = origin ? faultAt(origin) : "models", expected = [...new Set(known)].join(", ");
      if (!known.includes(name)) {
        const hint = meantHint(name, known);
        this.#fault({ at, what: `unknown model ${quoted(name)}`, expected, ...(hint ? { hint } : {}) });
      } else if (names.indexOf(name) < i) {
        this.#fault({ at, what: `models names ${name} twice`, expected: "each once" });
      }
    }
    return names.filter((name) => known.includes(name));
  }

  /**
   * The arms of these names at a shape, which `table` gives. `kinds`: an arm changes what it is, and not how large it is.
   */
  at(
    shape: Shape,
    names: readonly string[],
    { kinds = false, table = "model" }: { kinds?: boolean; table?: "model" | "recall.model" } = {},
  ): Arm[] {
    const arms: Arm[] = [];
    for (const name of names) {
      try {
        arms.push({
          name,
          config: new HymbaConfig(withLayers(shape, this.#options(name, shape, { kinds, seen: [] }))),
        });
      } catch (error) {
        if (!(error instanceof FieldError)) throw error;
        this.#refused(name, error, table);
      }
    }
    return arms;
  }

  /** The changes of an arm: those of the model it starts from, and its own fields. */
  #options(
    name: string,
    shape: Shape,
    { kinds, seen }: { kinds: boolean; seen: readonly string[] },
  ): Partial<HymbaOptions> {
    const own = this.#own.get(name), recipe = this.#recipes.find((one) => one.name === name);
    if (!own) return recipe?.change(shape) ?? {};
    this.#decidedTwice(own);
    const from = own.from ?? (recipe ? name : "hymba");
    const base = from === name ? recipe : undefined;
    const fields = Object.entries(own.fields).filter(([field]) => !kinds || KINDS.some((kind) => kind === field));
    if (base) return { ...base.change(shape), ...Object.fromEntries(fields) };
    if (seen.includes(name) || from === name || !this.#isKnown(from)) {
      this.#unknownStart(own, from, seen);
      return Object.fromEntries(fields);
    }
    return { ...this.#options(from, shape, { kinds, seen: [...seen, name] }), ...Object.fromEntries(fields) };
  }

  /** Fields of an arm that its layer pattern decides, or that of an arm that it starts from. */
  #decidedTwice({ name }: OwnArm): void {
    const decider = this.patternArm(name);
    if (decider === undefined) return;
    for (const field of ["archType", "windowed", "globalAttnIndices"]) {
      const given = this.values.get(`arms.${name}.${field}`);
      if (!given) continue;
      const expected = `no value, because arms.${decider}.layers decides it`;
      this.#fault({ at: faultAt(given.origin), what: `arms.${name}.${field}`, expected });
    }
  }

  /** The arm whose layer pattern an arm has: itself, or one that it starts from. */
  patternArm(name: string, seen: readonly string[] = []): string | undefined {
    const own = this.#own.get(name);
    if (!own || seen.includes(name)) return undefined;
    if (own.fields.layers !== undefined) return name;
    return own.from === undefined ? undefined : this.patternArm(own.from, [...seen, name]);
  }

  #isKnown(name: string): boolean {
    return this.#own.has(name) || this.#recipes.some((recipe) => recipe.name === name);
  }

  #unknownStart({ name, origin }: OwnArm, from: string, seen: readonly string[]): void {
    const at = faultAt(this.values.get(`arms.${name}.from`)?.origin ?? origin), path = `arms.${name}.from`;
    const names = [...new Set([...this.#recipes.map(({ name }) => name), ...this.#own.keys()])].join(", ");
    if (this.#isKnown(from)) {
      this.#fault({
        at,
        what: path,
        expected: "arms that do not start from each other",
        got: [...seen, name].join(" from "),
      });
    } else this.#fault({ at, what: `${path}: unknown model ${quoted(from)}`, expected: names });
  }

  /** A field that an arm cannot have: said where its value was given, or a value that it follows from. */
  #refused(name: string, { field, fault: { expected, got, from } }: FieldError, table: string): void {
    const sources = [...from, ...keyAt(`model.${field}`)?.follows?.from.map(nameOf) ?? []];
    const paths = [field, ...sources].flatMap((one) => [`arms.${name}.${one}`, `${table}.${one}`]);
    const isOwn = (path: string) => ["file", "flag"].includes(this.values.get(path)?.origin.kind ?? "");
    const path = paths.find(isOwn) ?? paths.find((path) => this.values.has(path)),
      given = path && this.values.get(path);
    const derived = path && nameOf(path) !== field ? `${path} decides ${field}` : path ?? field;
    this.#fault({ at: given ? faultAt(given.origin) : `arm ${name}`, what: derived, expected, got });
  }

  #fault(fault: Fault): void {
    this.#faults.set(JSON.stringify(fault), fault);
  }
}
