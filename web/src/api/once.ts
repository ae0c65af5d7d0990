import { newKey } from "./client";

/**
 * Makes the `Idempotency-Key` of what a form sends: the same key for the same body, so that a try that is repeated makes
 * nothing twice, and another for another body, as the API wants it.
 */
export class Once {
  #body = "";
  #key = "";

  key(body: unknown): string {
    const text = JSON.stringify(body);
    if (text !== this.#body) {
      this.#body = text;
      this.#key = newKey();
    }
    return this.#key;
  }
}
