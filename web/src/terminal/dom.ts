/** A new element of a class, with text or with children. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  element.className = className;
  element.append(...children);
  return element;
}

/** A new button that says what it does. */
export function button(label: string, act: () => void, text = label): HTMLButtonElement {
  const element = make("button", "hostel-terminal-button", text);
  element.type = "button";
  element.setAttribute("aria-label", label);
  element.title = label;
  element.addEventListener("click", act);
  return element;
}

/** Call `act` when the element has another size, until `signal`. */
export function onResize(element: HTMLElement, act: () => void, signal: AbortSignal): void {
  const observer = new ResizeObserver(act);
  observer.observe(element);
  signal.addEventListener("abort", () => observer.disconnect());
}

/** Call `act` when the computer may have slept, or the network have changed, and the page is seen again; until `signal`. */
export function onWake(act: () => void, signal: AbortSignal): void {
  const wake = () => document.visibilityState === "visible" && act();
  for (const name of ["online", "pageshow"]) {
    window.addEventListener(name, wake, { signal });
  }
  document.addEventListener("visibilitychange", wake, { signal });
}
