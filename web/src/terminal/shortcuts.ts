/** What a person may ask of the terminal itself. */
export type Command = "copy" | "search" | "larger" | "smaller" | "usual-size" | "leave";

/** The command of a key, or null when the key is the program's. See the table in README.md. */
export function commandOf(event: KeyboardEvent, selected: boolean): Command | null {
  if (event.type !== "keydown" || event.altKey) {
    return null;
  }
  const control = event.ctrlKey !== event.metaKey;
  if (control && ["Equal", "NumpadAdd"].includes(event.code)) {
    return "larger";
  }
  if (!control) {
    return null;
  }
  return event.shiftKey ? shifted(event.code) : plain(event, selected);
}

function shifted(code: string): Command | null {
  switch (code) {
    case "KeyC":
      return "copy";
    case "KeyF":
      return "search";
    case "KeyL":
      return "leave";
    default:
      return null;
  }
}

function plain(event: KeyboardEvent, selected: boolean): Command | null {
  switch (event.code) {
    case "KeyC":
      // The first copies and unselects, and the next interrupts.
      return selected ? "copy" : null;
    case "Minus":
    case "NumpadSubtract":
      return "smaller";
    case "Digit0":
    case "Numpad0":
      return "usual-size";
    default:
      return null;
  }
}
