import { answer } from "#/api/client";
import type { FileView } from "#/api/schema";
import { decode } from "#/editor/text";
import type { Room } from "#/room/room";
import type { Place } from "./place";

/** Bytes of a text that are shown; a longer one is cut, and cannot be edited. */
export const SHOWN_MAX = 1024 * 1024;
const IMAGE_MAX = 32 * 1024 * 1024;
const CONTENT = "/api/workspaces/{workspaceId}/sessions/{sessionId}/files/content";

/** Pictures that are shown. SVG is none of them: it is a document, and is shown as the text that it is. */
const IMAGES: ReadonlyMap<string, string> = new Map([
  ["png", "image/png"],
  ["jpg", "image/jpeg"],
  ["jpeg", "image/jpeg"],
  ["gif", "image/gif"],
  ["webp", "image/webp"],
]);

/** What a file holds, as far as a page shows it. */
export type Content =
  | { kind: "text"; text: string; etag: string; editable: boolean; reason: "cut" | "encoding" | null }
  | { kind: "image"; blob: Blob }
  | { kind: "binary" };

/** Read what is to be shown of a file. Throws an ApiError. */
export async function readContent(room: Room, place: Place, info: FileView): Promise<Content> {
  if (info.kind === "file" && info.size === 0 && info.etag !== null) return text("", info.etag);
  const image = IMAGES.get(info.path.split(".").at(-1)?.toLowerCase() ?? "");
  if (image !== undefined) {
    if (info.size > IMAGE_MAX) return { kind: "binary" };
    return { kind: "image", blob: new Blob([(await bytesOf(room, place, info.path, null)).bytes], { type: image }) };
  }
  // How long the file is that a link leads to is not told.
  const most = info.kind === "link" || info.size > SHOWN_MAX ? SHOWN_MAX : null;
  const { bytes, etag, cut } = await bytesOf(room, place, info.path, most);
  const found = decode(bytes, cut);
  if (found === null) return { kind: "binary" };
  return cut || !found.exact
    ? { kind: "text", text: found.text, etag, editable: false, reason: cut ? "cut" : "encoding" }
    : text(found.text, etag);
}

function text(value: string, etag: string): Content {
  return { kind: "text", text: value, etag, editable: true, reason: null };
}

/** All bytes of a file, or the first `most`. */
async function bytesOf(room: Room, place: Place, path: string, most: number | null) {
  const { data, response } = await room.api.GET(CONTENT, {
    params: { path: place.path, query: { ...place.query, path } },
    ...(most !== null && { headers: { Range: `bytes=0-${most - 1}` } }),
    parseAs: "arrayBuffer",
    // A browser that keeps one version would answer a part of it in place of the next one.
    cache: "no-store",
  });
  const size = Number(response.headers.get("Content-Range")?.split("/")[1] ?? 0);
  const bytes = new Uint8Array(data ?? new ArrayBuffer(0));
  return { bytes, etag: response.headers.get("ETag") ?? "", cut: size > bytes.length };
}

/** Write a file: over the version `etag`, or, with null, where nothing is. Throws an ApiError. */
export function writeContent(
  room: Room,
  place: Place,
  path: string,
  content: Blob | string,
  etag: string | null,
): Promise<FileView> {
  return answer(
    room.api.PUT(CONTENT, {
      params: { path: place.path, query: { ...place.query, path, parents: true } },
      headers: {
        "Content-Type": "application/octet-stream",
        ...(etag === null ? { "If-None-Match": "*" } : { "If-Match": etag }),
      },
      body: "",
      bodySerializer: () => content,
    }),
  );
}

/** Give a file to the browser as a download. */
export async function saveAs(room: Room, place: Place, path: string): Promise<void> {
  const link = document.createElement("a");
  link.download = path.split("/").at(-1) ?? path;
  if (room.bearer() === null) {
    const at = CONTENT.replace("{workspaceId}", place.path.workspaceId).replace("{sessionId}", place.sessionId);
    link.href = `${at}?${new URLSearchParams({ ...place.query, path })}`;
    link.click();
    return;
  }
  // A link sends no token: the file has to come by script.
  const { bytes } = await bytesOf(room, place, path, null);
  link.href = URL.createObjectURL(new Blob([bytes]));
  link.click();
  URL.revokeObjectURL(link.href);
}
