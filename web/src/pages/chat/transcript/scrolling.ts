import { type RefObject, useCallback, useEffect, useRef, useState } from "react";

/** Pixels from the end at which a reader is still at the end. */
const NEAR = 48;

/**
 * Keeps a box at its end while it grows, until its reader scrolls up or opens something in it. `content` is what grows in it; a box that shows
 * something else by another `key` begins at its end.
 */
export function useStaying(box: RefObject<HTMLElement | null>, content: RefObject<HTMLElement | null>, key: string) {
  const staying = useRef(true);
  const [away, setAway] = useState(false);

  const toEnd = useCallback(() => {
    staying.current = true;
    setAway(false);
    const element = box.current;
    if (element !== null) element.scrollTop = element.scrollHeight;
  }, [box]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another key is another text
  useEffect(() => {
    const [element, grows] = [box.current, content.current];
    if (element === null || grows === null) return;
    toEnd();
    let before = element.scrollTop;
    const near = () => element.scrollHeight - element.clientHeight - element.scrollTop < NEAR;
    const scrolled = () => {
      // What grows above the end moves it away too, but only a reader scrolls up.
      if (near()) staying.current = true;
      else if (element.scrollTop < before) staying.current = false;
      before = element.scrollTop;
      setAway(!staying.current);
    };
    const toggled = ({ target }: Event) => {
      if (target instanceof HTMLDetailsElement && target.open) staying.current = false;
    };
    const growth = new ResizeObserver(() => {
      if (staying.current) element.scrollTop = element.scrollHeight;
      else setAway(!near());
    });
    growth.observe(grows);
    growth.observe(element);
    element.addEventListener("scroll", scrolled, { passive: true });
    // It does not bubble.
    element.addEventListener("toggle", toggled, { capture: true });
    return () => {
      growth.disconnect();
      element.removeEventListener("scroll", scrolled);
      element.removeEventListener("toggle", toggled, { capture: true });
    };
  }, [box, content, key, toEnd]);

  return { away, toEnd };
}
