/**
 * Writes the JSON Schema of what each command prints with --json, docs/schemas/COMMAND.json, and of what `hymba serve` answers. The schemas come from the types of the
 * values that the commands give to `printJson`. Run it after a change of such a value: deno run -A --lock=tests/deno.lock tests/schemas.ts
 */
import ts from "npm:typescript@5.9.3";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import packages from "../imports.json" with { type: "json" };
import { at } from "../core/lists.ts";
import { ERROR, fileOf, FOLDER, type Schema, schemaList, SERVED } from "./schema_files.ts";
import { JSON_VERSION, SHARED_NAMES } from "../cli/ui/output.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
/** The file with `printJson` and `errorJson`. */
const OUTPUT = "cli/ui/output.ts";

type Names = Readonly<Record<string, string>>;

/** What results have from outside: the compiler knows neither Deno nor Node. */
const AMBIENT = `declare module "node:path" {
  export function join(...parts: string[]): string;
  export function basename(path: string): string;
  export function dirname(path: string): string;
}
declare namespace Deno {
  const version: { readonly deno: string; readonly v8: string; readonly typescript: string };
  const build: { readonly os: string; readonly arch: string };
}
`;

/** A folder in which the compiler finds the packages of imports.json, by links into Deno's own cache. */
async function linkedPackages(): Promise<string> {
  const [registry] = ts.sys.getExecutingFilePath().replaceAll("\\", "/").split("/typescript/");
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(join(folder, "ambient.d.ts"), AMBIENT);
  for (const target of Object.values(packages.imports)) {
    const [, name, version] = /^npm:\/?((?:@[^/]+\/)?[^@/]+)@([^/]+)\/?$/.exec(target) ?? [];
    if (!registry || !name || !version) throw new Error(`imports.json: no package in ${target}`);
    const link = join(folder, "node_modules", name);
    await Deno.mkdir(join(link, ".."), { recursive: true });
    if (await Deno.lstat(link).catch(() => undefined) === undefined) {
      await Deno.symlink(join(registry, name, version), link);
    }
  }
  return folder;
}

function programOf(roots: readonly string[], folder: string): ts.Program {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.esnext.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
    types: [],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    resolveJsonModule: true,
    allowImportingTsExtensions: true,
  };
  const host = ts.createCompilerHost(options);
  host.resolveModuleNameLiterals = (literals, from) =>
    literals.map(({ text }) => {
      const place = /^\.{1,2}\//.test(text) || from.includes("/npm/") ? from : join(folder, "any.ts");
      return ts.resolveModuleName(text, place, options, host);
    });
  return ts.createProgram([...roots], options, host);
}

/** Translates types of one program into schemas. Named interfaces become definitions. */
class Translator {
  readonly #defined = new Map<ts.Type, string>();
  readonly #definitions = new Map<string, Schema>();
  /** Types that are being translated. */
  readonly #active = new Set<ts.Type>();
  /** The names of the fields that lead to the one that is looked at. */
  readonly #path: string[] = [];

  /** The names that printJson gives to fields inside others. */
  inner: Names = {};

  /** `at`: the expression whose value is described. */
  constructor(readonly checker: ts.TypeChecker, public at: ts.Node) {}

  get definitions(): Record<string, Schema> {
    return Object.fromEntries([...this.#definitions].sort(([a], [b]) => a < b ? -1 : 1));
  }

  schema(type: ts.Type): Schema {
    const { flags } = type, { checker } = this;
    if (flags & ts.TypeFlags.Any) throw new Error(`${this.#place()}: ${this.#path.join(".")} has no type`);
    if (flags & ts.TypeFlags.Unknown) return {};
    if (flags & ts.TypeFlags.Null) return { type: "null" };
    if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value };
    if (flags & ts.TypeFlags.BooleanLiteral) return { const: checker.typeToString(type) === "true" };
    if (flags & ts.TypeFlags.BooleanLike && !type.isUnion()) return { type: "boolean" };
    if (flags & ts.TypeFlags.StringLike && !type.isUnion()) return { type: "string" };
    if (flags & ts.TypeFlags.NumberLike && !type.isUnion()) return this.#number();
    if (type.isUnion()) return this.#shared(type, () => this.#union(type));
    if (type.isIntersection() && type.types.some((part) => part.flags & ts.TypeFlags.StringLike)) {
      return { type: "string" };
    }
    const own = type.getProperty("toJSON");
    if (own) return this.schema(this.#returned(own));
    if (checker.isTupleType(type)) return this.#tuple(type);
    if (checker.isArrayType(type)) return { type: "array", items: this.schema(at(this.#arguments(type), 0)) };
    return this.#shared(type, () => this.#object(type));
  }

  #number(): Schema {
    this.#definitions.set("number", {
      description: "null for NaN and infinity",
      type: ["number", "null"],
    });
    return { $ref: "#/$defs/number" };
  }

  #union(type: ts.UnionType): Schema {
    const parts = type.types.filter(({ flags }) => !(flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void)));
    const all = parts.map((part) => this.schema(part));
    const constants = all.flatMap((one) => "const" in one ? [one.const] : []);
    const others = all.filter((one) => !("const" in one));
    const both = constants.includes(true) && constants.includes(false);
    const values = both ? constants.filter((value) => typeof value !== "boolean") : constants;
    const merged = [
      ...others,
      ...(both ? [{ type: "boolean" }] : []),
      ...(values.length === 1 ? [{ const: values[0] }] : values.length > 1 ? [{ enum: values }] : []),
    ];
    const different = [...new Map(merged.map((one) => [JSON.stringify(one), one])).values()];
    return different.length === 1 ? different[0] ?? {} : { anyOf: different };
  }

  #tuple(type: ts.Type): Schema {
    const items = this.#arguments(type).map((item) => this.schema(item));
    return { type: "array", prefixItems: items, minItems: items.length, maxItems: items.length };
  }

  /** The types of a list's or tuple's items. */
  #arguments = (type: ts.Type): readonly ts.Type[] => this.checker.getTypeArguments(type as ts.TypeReference);

  #returned(method: ts.Symbol): ts.Type {
    const [signature] = this.checker.getTypeOfSymbolAtLocation(method, this.at).getCallSignatures();
    if (!signature) throw new Error(`${this.#place()}: toJSON is not a function`);
    return signature.getReturnType();
  }

  /** A named type is written once, as a definition. So is one that contains itself. */
  #shared(type: ts.Type, make: () => Schema): Schema {
    const symbol = type.aliasSymbol ?? type.getSymbol(), generic = (type.aliasTypeArguments ?? []).length > 0;
    const isNamed = !generic && (type.aliasSymbol !== undefined || type.isClassOrInterface());
    if (this.#active.has(type) || isNamed && !this.#defined.has(type)) this.#define(type, symbol?.name ?? "value");
    const known = this.#defined.get(type);
    if (known && this.#definitions.has(known)) return { $ref: `#/$defs/${known}` };
    if (known) this.#definitions.set(known, {});
    this.#active.add(type);
    const made = make(), name = this.#defined.get(type);
    this.#active.delete(type);
    if (!name) return made;
    const description = symbol && isNamed ? this.#words(symbol) : "";
    this.#definitions.set(name, description ? { description, ...made } : made);
    return { $ref: `#/$defs/${name}` };
  }

  #define(type: ts.Type, wanted: string): void {
    const base = wanted === "__type" ? "value" : wanted, taken = new Set(this.#defined.values());
    let name = base;
    for (let i = 2; taken.has(name); i++) name = `${base}${i}`;
    this.#defined.set(type, name);
    if (this.#active.has(type)) this.#definitions.set(name, {});
  }

  #object(type: ts.Type): Schema {
    const { properties, required } = this.fields(type, this.inner);
    const items = this.checker.getIndexTypeOfType(type, ts.IndexKind.String);
    return {
      type: "object",
      ...(Object.keys(properties).length > 0 && { properties, required }),
      ...(items && { additionalProperties: this.schema(items) }),
    };
  }

  /** The fields of an object. `names`: those that printJson gives to them. */
  fields(type: ts.Type, names: Names): { properties: Record<string, Schema>; required: string[] } {
    const properties: Record<string, Schema> = {}, required: string[] = [];
    for (const symbol of this.checker.getPropertiesOfType(type)) {
      const value = this.checker.getTypeOfSymbolAtLocation(symbol, this.at);
      // JSON leaves out methods, and what a class computes.
      const computed = symbol.flags & ts.SymbolFlags.Accessor;
      if (computed || value.getCallSignatures().length > 0 || value.flags & ts.TypeFlags.Undefined) continue;
      const name = Object.hasOwn(names, symbol.name) ? names[symbol.name] ?? "" : symbol.name;
      const missing = symbol.flags & ts.SymbolFlags.Optional || value.flags & ts.TypeFlags.Unknown ||
        value.isUnion() && value.types.some(({ flags }) => flags & ts.TypeFlags.Undefined);
      this.#path.push(name);
      if (this.#path.length > 30) throw new Error(`${this.#place()}: ${this.#path.join(".")} has no end`);
      const description = this.#words(symbol), schema = this.schema(value);
      this.#path.pop();
      properties[name] = description ? { description, ...schema } : schema;
      if (!missing) required.push(name);
    }
    return { properties, required };
  }

  #words = (symbol: ts.Symbol): string =>
    ts.displayPartsToString(symbol.getDocumentationComment(this.checker)).replaceAll(/\s+/g, " ").trim();

  #place(): string {
    const file = this.at.getSourceFile(), { line } = file.getLineAndCharacterOfPosition(this.at.getStart());
    return `${file.fileName}:${line + 1}`;
  }
}

/** A call of printJson: the commands that can make it, and its value. */
interface Call {
  readonly commands: readonly string[];
  readonly value: ts.Expression;
  /** Its fields keep the names of files. */
  readonly keys: boolean;
}

/** All calls of a function in a file. */
function callsOf(name: string, file: ts.SourceFile): ts.CallExpression[] {
  const found: ts.CallExpression[] = [];
  const visit = (node: ts.Node) => {
    if (ts.isCallExpression(node) && node.expression.getText() === name) found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function wordsOf(type: ts.Type): string[] {
  const parts = type.isUnion() ? type.types : [type];
  return parts.map((part) => {
    if (part.isStringLiteral()) return part.value;
    throw new Error(`printJson needs the words of its command, or commandAmong with all of them`);
  });
}

function callsIn(program: ts.Program): Call[] {
  const checker = program.getTypeChecker();
  const files = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(join(ROOT, "cli/")));
  return files.filter(({ fileName }) => !fileName.endsWith(OUTPUT)).flatMap((file) =>
    callsOf("printJson", file).map(({ arguments: [command, value, more] }) => {
      if (!command || !value) throw new Error(`${file.fileName}: printJson needs a command and a value`);
      return { commands: wordsOf(checker.getTypeAtLocation(command)), value, keys: more !== undefined };
    })
  );
}

/** The function that makes the JSON of errors, and its type. */
function failureOf(program: ts.Program): { made: ts.Node; type: ts.Type } {
  const file = program.getSourceFile(join(ROOT, OUTPUT)), checker = program.getTypeChecker();
  const made = file?.statements.find((node) => ts.isFunctionDeclaration(node) && node.name?.text === "errorJson");
  const signature = made && checker.getTypeAtLocation(made).getCallSignatures()[0];
  if (!signature || !made) throw new Error(`${OUTPUT} has no function errorJson`);
  return { made, type: signature.getReturnType() };
}

const DIALECT = "https://json-schema.org/draft/2020-12/schema";

/** The schema of the JSON of errors. */
function errorSchema(program: ts.Program): Schema {
  const { made, type } = failureOf(program), translator = new Translator(program.getTypeChecker(), made);
  const { properties, required } = translator.fields(type, {});
  return {
    $schema: DIALECT,
    title: "an error of hymba --json",
    description: "What any command prints with --json when it failed. docs/json.md explains it.",
    type: "object",
    properties,
    required,
    $defs: translator.definitions,
  };
}

/** The file with the types of the JSON that a page gets. */
const VIEWS = "core/page/views.ts";

/** The schema of an answer of `hymba serve`, from the type with this name. */
function servedSchema(file: string, name: string, program: ts.Program): Schema {
  const made = program.getSourceFile(join(ROOT, VIEWS))?.statements.find((node) =>
    ts.isInterfaceDeclaration(node) && node.name.text === name
  );
  if (!made) throw new Error(`${VIEWS} has no interface ${name}`);
  const translator = new Translator(program.getTypeChecker(), made);
  const { properties, required } = translator.fields(program.getTypeChecker().getTypeAtLocation(made), {});
  const address = file.replace("page-", "");
  return {
    $schema: DIALECT,
    title: `${address} of hymba serve`,
    description:
      `What hymba serve answers at /${address}, and what --export writes into this file. docs/serve.md explains it.`,
    type: "object",
    properties,
    required,
    $defs: translator.definitions,
  };
}

/** The schema of a command from all values that it can print. */
function commandSchema(command: string, calls: readonly Call[], program: ts.Program): Schema {
  const checker = program.getTypeChecker(), { made, type } = failureOf(program);
  const translator = new Translator(checker, made), failure = translator.schema(type);
  const results = calls.flatMap(({ value, keys }) => {
    translator.at = value;
    translator.inner = keys ? {} : SHARED_NAMES.inner;
    const type = checker.getTypeAtLocation(value), names = keys ? {} : SHARED_NAMES.outer;
    return (type.isUnion() ? type.types : [type]).map((part) => {
      const { properties, required } = translator.fields(part, names);
      return {
        type: "object",
        properties: { version: { const: JSON_VERSION }, command: { const: command }, ...properties },
        required: ["version", "command", ...required],
      };
    });
  });
  const name = command === "" ? "hymba" : `hymba ${command}`;
  return {
    $schema: DIALECT,
    title: `${name} --json`,
    description: `What ${name} prints with --json. docs/json.md explains it.`,
    anyOf: [...results, failure],
    $defs: translator.definitions,
  };
}

/** All schemas, by the names of their files. */
export async function schemas(): Promise<Map<string, Schema>> {
  const folders = ["cli/commands", "cli/shared"], folder = await linkedPackages();
  const sources = folders.flatMap((name) =>
    [...Deno.readDirSync(join(ROOT, name))].map((file) => join(name, file.name))
  );
  const roots = [...sources, OUTPUT, VIEWS].map((name) => join(ROOT, name));
  const program = programOf([...roots, join(folder, "ambient.d.ts")], folder), calls = callsIn(program);
  const names = [...new Set(calls.flatMap(({ commands }) => commands))].sort();
  const all = names.map((name): [string, Schema] => {
    return [fileOf(name), commandSchema(name, calls.filter(({ commands }) => commands.includes(name)), program)];
  });
  await Deno.remove(folder, { recursive: true });
  const served = Object.entries(SERVED).map((
    [file, name],
  ): [string, Schema] => [file, servedSchema(file, name, program)]);
  return new Map([...all, [ERROR, errorSchema(program)], ...served]);
}

/** The text of a schema's file. */
export const schemaText = (schema: Schema): string => `${JSON.stringify(schema, undefined, 1)}\n`;

if (import.meta.main) {
  const folder = join(ROOT, FOLDER), all = await schemas();
  await Deno.mkdir(folder, { recursive: true });
  for (const { name } of [...Deno.readDirSync(folder)]) await Deno.remove(join(folder, name));
  for (const [file, schema] of all) await Deno.writeTextFile(join(folder, file), schemaText(schema));
  const page = join(ROOT, "docs/json.md"), text = await Deno.readTextFile(page);
  const list = `<!-- schemas -->\n${schemaList([...all.keys()])}\n<!-- end of schemas -->`;
  await Deno.writeTextFile(page, text.replace(/<!-- schemas -->[^]*<!-- end of schemas -->/, () => list));
  console.log(`${all.size} schemas`);
}
