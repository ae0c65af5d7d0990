/**
 * Run `make` so that the style elements that it makes carry the nonce of the page, which its Content-Security-Policy asks for.
 * xterm.js makes such elements, with the document's own createElement, and has no option for a nonce.
 */
export function withNonce<T>(make: () => T): T {
  const nonce = document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? "";
  if (nonce === "") {
    return make();
  }
  const create = document.createElement;
  document.createElement = (...args: Parameters<typeof create>) => {
    const element = create.apply(document, args);
    element.nonce = nonce;
    return element;
  };
  try {
    return make();
  } finally {
    Reflect.deleteProperty(document, "createElement");
  }
}
