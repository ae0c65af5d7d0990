import "@testing-library/jest-dom/vitest";
import { notifications } from "@mantine/notifications";
import { cleanup, configure } from "@testing-library/react";
import { afterEach, vi } from "vitest";

afterEach(() => {
  cleanup();
  // At most five are shown at once: those of other files would keep the next ones waiting.
  notifications.clean();
});

// The files of a worker share one window and all modules: making those anew took most of the time. Each begins with an empty page.
localStorage.clear();
sessionStorage.clear();
history.replaceState(null, "", "/");
document.body.replaceChildren();

// A machine that does other things too needs longer than a second to show a page for the first time.
configure({ asyncUtilTimeout: 5000 });
vi.setConfig({ testTimeout: 20_000 });

// jsdom has none of these, and Mantine asks for them.
vi.stubGlobal("matchMedia", (media: string) => ({
  media,
  matches: false,
  onchange: null,
  addEventListener: () => {},
  removeEventListener: () => {},
  dispatchEvent: () => false,
}));
class Observer {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}
vi.stubGlobal("ResizeObserver", Observer);
vi.stubGlobal("IntersectionObserver", Observer);
Element.prototype.scrollIntoView = () => {};
// A text field that grows hears of fonts that were loaded.
Object.defineProperty(document, "fonts", { configurable: true, value: new EventTarget() });
