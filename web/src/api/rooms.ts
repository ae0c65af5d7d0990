import { useEffect, useSyncExternalStore } from "react";
import { Store } from "./store";

/**
 * Rooms that were opened with their own secret, beside the browser's sign-in: an administrator manages workspaces but enters
 * none. The token of each is of this tab alone, and lasts as long as the server lets it.
 */
interface Opened {
  token: string;
  /** Milliseconds since the epoch. */
  expires: number;
}

const KEY = "hostel.rooms";
const rooms = new Store<Readonly<Record<string, Opened>>>(load());

function load(): Record<string, Opened> {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
    if (typeof found !== "object" || found === null) return {};
    return Object.fromEntries(Object.entries(found).filter((entry): entry is [string, Opened] => isOpened(entry[1])));
  } catch {
    return {};
  }
}

function isOpened(value: unknown): value is Opened {
  if (typeof value !== "object" || value === null) return false;
  return "token" in value && typeof value.token === "string" && "expires" in value && Number(value.expires) > Date.now();
}

function save(next: Readonly<Record<string, Opened>>): void {
  sessionStorage.setItem(KEY, JSON.stringify(next));
  rooms.set(next);
}

/** The token of a room that this tab has opened; null when the browser's sign-in is all there is. */
export function roomToken(workspaceId: string): string | null {
  const found = rooms.get()[workspaceId];
  return found !== undefined && found.expires > Date.now() ? found.token : null;
}

/** Keep a room's token. `lifetime` in seconds. */
export function keepRoom(workspaceId: string, token: string, lifetime: number): void {
  save({ ...rooms.get(), [workspaceId]: { token, expires: Date.now() + lifetime * 1000 } });
}

/** Forget a room's token, when it was refused or its person leaves. */
export function forgetRoom(workspaceId: string): void {
  const { [workspaceId]: _, ...rest } = rooms.get();
  save(rest);
}

/** Forget all. */
export function forgetRooms(): void {
  save({});
}

/** The tokens of all rooms that this tab has opened. */
export function everyRoomToken(): string[] {
  return Object.values(rooms.get()).map((room) => room.token);
}

/** The same as `roomToken`, followed. */
export function useRoomToken(workspaceId: string): string | null {
  const expires = useSyncExternalStore(rooms.subscribe, rooms.get)[workspaceId]?.expires;
  useEffect(() => {
    if (expires === undefined) return;
    const timer = setTimeout(() => forgetRoom(workspaceId), expires - Date.now());
    return () => clearTimeout(timer);
  }, [workspaceId, expires]);
  return roomToken(workspaceId);
}
