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
