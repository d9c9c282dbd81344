/** Builds ONNX files: a graph of named values, and its protobuf. Source: ONNX, `onnx.proto` (IR version 8) and `Operators.md` (opset 17). */
import { MessageWriter } from "../tokenizer/protobuf.ts";

const IR_VERSION = 8, OPSET = 17;
/** Numbers of element types. */
const FLOAT = 1, INT64 = 7;
/** Numbers of the types of attributes. */
const TYPE = { int: 2, graph: 5, ints: 7 } as const;

/** The name of a value in a graph. */
export type Value = string;

/** An attribute: a whole number from 0, a list of them, or a graph. */
export type Attribute = number | readonly number[] | OnnxGraph;

/** An input or output: element type and dimensions, named where they vary. */
export interface Port {
  readonly name: Value;
  readonly type: "float" | "int64";
  readonly shape: readonly (number | string)[];
}

function port({ name, type, shape }: Port): Uint8Array {
  const dimensions = new MessageWriter();
  for (const size of shape) {
    const dimension = new MessageWriter();
    dimensions.bytes(1, (typeof size === "number" ? dimension.varint(1, size) : dimension.text(2, size)).finish());
  }
  const tensor = new MessageWriter().varint(1, type === "float" ? FLOAT : INT64).bytes(2, dimensions.finish());
  return new MessageWriter().text(1, name).bytes(2, new MessageWriter().bytes(1, tensor.finish()).finish()).finish();
}

function attribute(name: string, value: Attribute): Uint8Array {
  const made = new MessageWriter().text(1, name);
  if (typeof value === "number") return made.varint(3, value).varint(20, TYPE.int).finish();
  if (value instanceof OnnxGraph) return made.bytes(6, value.encode()).varint(20, TYPE.graph).finish();
  for (const one of value) made.varint(8, one);
  return made.varint(20, TYPE.ints).finish();
}

/** A graph to which operators are added in the order in which they compute. */
export class OnnxGraph {
  readonly #nodes: Uint8Array[] = [];
  readonly #initializers: Uint8Array[] = [];
  readonly #constants = new Map<string, Value>();
  #values = 0;
  inputs: readonly Port[] = [];
  outputs: readonly Port[] = [];

  /** `prefix`: of the names of values. A graph inside of another one needs names of its own. */
  constructor(private readonly name: string, private readonly prefix = "") {}

  /** Adds an operator and returns its results. */
  ops(
    type: string,
    inputs: readonly Value[],
    results: number,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): Value[] {
    const made = new MessageWriter(),
      outputs = Array.from({ length: results }, () => `${this.prefix}${type}_${this.#values++}`);
    for (const input of inputs) made.text(1, input);
    for (const output of outputs) made.text(2, output);
    made.text(3, outputs[0] ?? type).text(4, type);
    for (const [name, value] of Object.entries(attributes)) made.bytes(5, attribute(name, value));
    this.#nodes.push(made.finish());
    return outputs;
  }

  /** Adds an operator with one result. */
  op(type: string, inputs: readonly Value[], attributes: Readonly<Record<string, Attribute>> = {}): Value {
    return this.ops(type, inputs, 1, attributes)[0] ?? "";
  }

  /** Gives a value a name that readers of the file know. */
  called(name: Value, value: Value): Value {
    this.#nodes.push(new MessageWriter().text(1, value).text(2, name).text(3, name).text(4, "Identity").finish());
    return name;
  }

  /** A stored float32 tensor, row-major. */
  stored(name: Value, shape: readonly number[], data: Float32Array<ArrayBuffer>): Value {
    return this.#store(name, shape, {
      type: FLOAT,
      bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    });
  }

  /** One number. */
  number(value: number): Value {
    return this.#constant(`number_${value}`, (name) => this.stored(name, [], Float32Array.of(value)));
  }

  /** A list of whole numbers, or one of them. */
  whole(values: readonly number[] | number): Value {
    const list = typeof values === "number" ? [values] : values,
      shape = typeof values === "number" ? [] : [list.length];
    const bytes = new Uint8Array(BigInt64Array.from(list, BigInt).buffer);
    return this.#constant(
      `whole_${JSON.stringify(values)}`,
      (name) => this.#store(name, shape, { type: INT64, bytes }),
    );
  }

  #constant(key: string, make: (name: Value) => Value): Value {
    const known = this.#constants.get(key) ?? make(`${this.prefix}${key}`);
    this.#constants.set(key, known);
    return known;
  }

  #store(name: Value, shape: readonly number[], { type, bytes }: { type: number; bytes: Uint8Array }): Value {
    const made = new MessageWriter();
    for (const size of shape) made.varint(1, size);
    this.#initializers.push(made.varint(2, type).text(8, name).bytes(9, bytes).finish());
    return name;
  }

  /** The message GraphProto. */
  encode(): Uint8Array {
    const made = new MessageWriter();
    for (const node of this.#nodes) made.bytes(1, node);
    made.text(2, this.name);
    for (const initializer of this.#initializers) made.bytes(5, initializer);
    for (const input of this.inputs) made.bytes(11, port(input));
    for (const output of this.outputs) made.bytes(12, port(output));
    return made.finish();
  }
}

/** The bytes of a model file. */
export function encodeOnnx(graph: OnnxGraph, metadata: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  const opset = new MessageWriter().text(1, "").varint(2, OPSET).finish();
  const made = new MessageWriter().varint(1, IR_VERSION).text(2, "hymba").bytes(7, graph.encode()).bytes(8, opset);
  for (const [key, value] of Object.entries(metadata)) {
    made.bytes(14, new MessageWriter().text(1, key).text(2, value).finish());
  }
  return new Uint8Array(made.finish());
}
