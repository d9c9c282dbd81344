/** Reads {schema, documents} from standard input and prints whether each document is valid, as a list. */
import Ajv from "npm:ajv@8.17.1/dist/2020.js";

const { schema, documents } = JSON.parse(await new Response(Deno.stdin.readable).text());
const validate = new Ajv.default({ strict: false }).compile(schema);
console.log(JSON.stringify(documents.map((document: unknown) => validate(document))));
