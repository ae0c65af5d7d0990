import { useEffect } from "react";
import type { AroundNavHandler } from "wouter";

/** What is asked before the page is left; null while nothing would be lost. */
let question: string | null = null;

/** Ask before the page is left, for as long as `text` is not null. A browser that is closed asks in its own words. */
export function useLeaving(text: string | null): void {
  useEffect(() => {
    if (text === null) return;
    question = text;
    const closing = (event: BeforeUnloadEvent) => event.preventDefault();
    // Going back cannot be prevented, so it leads to a second entry of the same page, and on only when that is wanted.
    const here = () => history.pushState(history.state, "", location.href);
    const back = () => {
      if (!mayLeave()) here();
      else history.back();
    };
    here();
    addEventListener("beforeunload", closing);
    addEventListener("popstate", back);
    return () => {
      question = null;
      removeEventListener("beforeunload", closing);
      removeEventListener("popstate", back);
    };
  }, [text]);
}

/** For wouter's Router: a link is followed when nothing is lost by it, or when the person says so. */
export const askFirst: AroundNavHandler = (navigate, to, options) => {
  if (mayLeave()) navigate(to, options);
};

function mayLeave(): boolean {
  if (question !== null && !confirm(question)) return false;
  question = null;
  return true;
}
