/** The arms of a study: models of a suite, and arms of the file that start from them. */
import {
  type Arm,
  FieldError,
  type FieldFault,
  HymbaConfig,
  type HymbaOptions,
  knownRecipes,
  lengthOfPattern,
  namesOf,
  type Recipe,
  type Shape,
  type Suite,
  SUITES,
  type Value,
} from "../config/mod.ts";
import { quoted } from "../errors.ts";
import { meantHint } from "../nearest.ts";
import { nameOf, tableOf } from "./key.ts";
import { keyAt } from "./keys.ts";
import { type Fault, faultAt, type Given, isOwn, itemAt, type Origin, type Values } from "./values.ts";

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

/** The keys that decide whether a model is known: none if no suite has it. */
const suiteKeys = (name: string): string[] => SUITES.some((suite) => namesOf(suite).includes(name)) ? ["suite"] : [];

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
  /** The faults so far. Several arms can have the same. */
  readonly faults: Fault[] = [];

  /** `refused`: keys whose values were refused. A start that does not exist becomes one of them. */
  constructor(
    private readonly values: Values,
    private readonly suite: Suite,
    private readonly refused: Set<string> = new Set(),
  ) {
    this.#own = ownArms(values);
    this.#recipes = knownRecipes(suite);
  }

  /** The names of the study's arms: those in `models`, else those of the suite and then those of the file. */
  names(suiteNames: readonly string[]): string[] {
    const { value, origin } = this.values.get("models") ?? {} as Partial<Given>;
    const names = Array.isArray(value) ? value.map(String) : [...new Set([...suiteNames, ...this.#own.keys()])];
    const known = this.#known(), expected = known.join(", ");
    for (const [i, name] of names.entries()) {
      const at = origin ? itemAt(origin, i) : "models";
      if (!this.isNamed(name)) {
        const hint = meantHint(name, known), keys = suiteKeys(name);
        this.faults.push({ at, what: `unknown model ${quoted(name)}`, expected, keys, ...(hint ? { hint } : {}) });
      } else if (names.indexOf(name) < i) {
        this.faults.push({ at, what: `models names ${name} twice`, expected: "each once" });
      }
    }
    return [...new Set(names)].filter((name) => known.includes(name));
  }

  /** The names of all models: those of the suites and those of the file. */
  #known(): string[] {
    return [...new Set([...this.#recipes.map(({ name }) => name), ...this.#own.keys()])];
  }

  /** Whether there is a model of that name, or an arm of which every value was refused. */
  isNamed(name: string): boolean {
    return this.#known().includes(name) || [...this.refused].some((path) => path.startsWith(`arms.${name}.`));
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
        for (const fault of error.faults) this.#refuse(name, fault, { table, kinds });
      }
    }
    return arms;
  }

  /**
   * Checks the file's other arms, too: those that `models` leaves out. An arm that only others start from does not have to be a
   * model by itself.
   */
  checkOthers(shape: Shape, names: readonly string[]): void {
    const others = [...this.#own.keys()].filter((name) => !names.includes(name));
    const starts = new Set([...names, ...others].flatMap((name) => this.#lineage(name).slice(1)));
    this.at(shape, others.filter((name) => !starts.has(name)));
    for (const name of others) if (starts.has(name)) this.#options(name, shape, { kinds: false, seen: [] });
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
    if (seen.includes(name) || from === name || !this.#known().includes(from)) {
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
      this.faults.push({ at: faultAt(given.origin), what: `arms.${name}.${field}`, expected });
    }
  }

  /** The arm whose layer pattern an arm has: itself, or one that it starts from. */
  patternArm(name: string, seen: readonly string[] = []): string | undefined {
    const own = this.#own.get(name);
    if (!own || seen.includes(name)) return undefined;
    if (own.fields.layers !== undefined) return name;
    return own.from === undefined ? undefined : this.patternArm(own.from, [...seen, name]);
  }

  #unknownStart({ name, origin }: OwnArm, from: string, seen: readonly string[]): void {
    const path = `arms.${name}.from`, at = faultAt(this.values.get(path)?.origin ?? origin), known = this.#known();
    this.refused.add(path);
    if (known.includes(from)) {
      const expected = "arms that do not start from each other", got = [...seen, name].join(" from ");
      this.faults.push({ at, what: path, expected, got });
    } else if (!this.isNamed(from)) {
      const hint = meantHint(from, known);
      this.faults.push({
        at,
        what: `${path}: unknown model ${quoted(from)}`,
        expected: known.filter((one) => one !== name).join(", "),
        keys: suiteKeys(from),
        ...(hint ? { hint } : {}),
      });
    }
  }

  /** An arm, the one that it starts from, and so on, as far as the file has them. */
  #lineage(name: string): string[] {
    const found: string[] = [];
    for (let own = this.#own.get(name); own && !found.includes(own.name); own = this.#own.get(own.from ?? "")) {
      found.push(own.name);
    }
    return found;
  }

  /** The keys that can hold a field of an arm, the strongest first. */
  #pathsOf(field: string, { name, table, kinds }: { name: string; table: string; kinds: boolean }): string[] {
    const isOfArms = !kinds || KINDS.some((kind) => kind === field), arms = isOfArms ? this.#lineage(name) : [];
    return [...arms.map((arm) => `arms.${arm}.${field}`), `${table}.${field}`];
  }

  /** The keys that decide a field of an arm: those up to the one that holds it, and the starts on the way to that. */
  #decidingOf(paths: readonly string[]): string[] {
    const holder = paths.findIndex((path) => this.values.has(path)), passed = paths.slice(0, Math.max(0, holder));
    const starts = passed.filter((path) => path.startsWith("arms.")).map((path) => `${tableOf(path)}.from`);
    return [...(holder < 0 ? paths : paths.slice(0, holder + 1)), ...starts];
  }

  /** A field that an arm cannot have: said where its value was given, or a value that it follows from. */
  #refuse(name: string, fault: FieldFault, { table, kinds }: { table: string; kinds: boolean }): void {
    const { field, expected, got, from } = fault, place = { name, table, kinds };
    const isGiven = this.#pathsOf(field, place).some((path) => this.values.has(path));
    const sources = [...from, ...keyAt(`model.${field}`)?.follows?.from.map(nameOf) ?? []];
    const paths = [field, ...sources].flatMap((one) => this.#pathsOf(one, place));
    const path = paths.find((path) => isOwn(this.values, path)) ?? paths.find((path) => this.values.has(path)),
      given = path && this.values.get(path);
    const what = path && nameOf(path) !== field ? `${path} decides ${field}` : path ?? field;
    const keys = [field, ...(isGiven ? from : sources)].flatMap((one) => this.#decidingOf(this.#pathsOf(one, place)));
    this.faults.push({ at: given ? faultAt(given.origin) : `arm ${name}`, what, expected, got, keys });
  }
}
