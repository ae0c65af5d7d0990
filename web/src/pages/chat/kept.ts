import { useCallback, useMemo, useSyncExternalStore } from "react";
import { Store } from "#/api/store";

/** A value that outlives a reload, and is the same in all tabs. What cannot be kept, for want of room, is there until then. */
export class Kept<T> {
  readonly #key: string;
  readonly #empty: T;
  readonly #is: (value: unknown) => value is T;
  readonly #store: Store<T>;

  /** `is` judges what another version of this page, or a person, has left under `key`. */
  constructor(key: string, empty: T, is: (value: unknown) => value is T) {
    this.#key = key;
    this.#empty = empty;
    this.#is = is;
    this.#store = new Store(this.#load());
  }

  readonly get = (): T => this.#store.get();

  /** Change what is there now, whoever has put it there. */
  update(change: (value: T) => T): void {
    const next = change(this.#store.get());
    this.#store.set(next);
    try {
      if (next === this.#empty) localStorage.removeItem(this.#key);
      else localStorage.setItem(this.#key, JSON.stringify(next));
    } catch {
      // There is no room: it is kept as long as the page is.
    }
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    const changed = (event: StorageEvent) => {
      if (event.key === this.#key) this.#store.set(this.#load());
    };
    addEventListener("storage", changed);
    const unsubscribe = this.#store.subscribe(listener);
    return () => {
      removeEventListener("storage", changed);
      unsubscribe();
    };
  };

  #load(): T {
    try {
      const found: unknown = JSON.parse(localStorage.getItem(this.#key) ?? "null");
      return this.#is(found) ? found : this.#empty;
    } catch {
      return this.#empty;
    }
  }
}

/** What is kept under `key`, and how to change it. `empty` and `is` are the same at each call. */
export function useKept<T>(key: string, empty: T, is: (value: unknown) => value is T) {
  const kept = useMemo(() => new Kept(key, empty, is), [key, empty, is]);
  const value = useSyncExternalStore(kept.subscribe, kept.get);
  return [value, useCallback((change: (value: T) => T) => kept.update(change), [kept])] as const;
}
