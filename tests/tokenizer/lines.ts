/** A stream of text as lines, without their ends. */
export class TextLineStream extends TransformStream<string, string> {
  constructor() {
    const parts: string[] = [];
    super({
      transform(chunk, controller) {
        const [rest = "", ...more] = chunk.split("\n");
        parts.push(rest);
        for (const start of more) {
          controller.enqueue(parts.splice(0).join(""));
          parts.push(start);
        }
      },
      flush(controller) {
        const last = parts.join("");
        if (last.length > 0) controller.enqueue(last);
      },
    });
  }
}
