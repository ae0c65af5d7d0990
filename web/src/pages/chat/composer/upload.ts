import { newKey } from "#/api/client";
import { ApiError, forPerson, problemOf, unreachable } from "#/api/problem";
import type { Room } from "#/room/room";
import type { Attached } from "./queue";

/** Files of one prompt, at most. */
export const ATTACHMENTS_MAX = 20;

/** Upload a file for a prompt. `onProgress` hears how much of it is there, from 0 to 1. Throws an ApiError, also when stopped. */
export function upload(
  room: Room,
  sessionId: string,
  file: File,
  onProgress: (part: number) => void,
  signal: AbortSignal,
): Promise<Attached> {
  // fetch does not tell how much of a body was sent.
  const request = new XMLHttpRequest();
  const name = encodeURIComponent(file.name || "attachment");
  request.open("POST", `/api/workspaces/${room.workspaceId}/sessions/${sessionId}/attachments?name=${name}`);
  request.setRequestHeader("Idempotency-Key", newKey());
  request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
  const token = room.bearer();
  if (token !== null) request.setRequestHeader("Authorization", `Bearer ${token}`);
  signal.addEventListener("abort", () => request.abort());
  return new Promise((resolve, reject) => {
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    request.onload = () => void answered(request).then(resolve, reject);
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(new ApiError("cancelled", "The upload was stopped."));
    request.send(file);
  });
}

async function answered({ status, responseText }: XMLHttpRequest): Promise<Attached> {
  const response = new Response(responseText, { status });
  if (!response.ok) throw forPerson(await problemOf(response));
  const { attachmentId, name }: Attached = await response.json();
  return { attachmentId, name };
}
