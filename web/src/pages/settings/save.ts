/** A part of the File System Access API, which not all browsers have, nor TypeScript's types. */
interface Saver {
  showSaveFilePicker(options: { suggestedName: string }): Promise<{
    createWritable(): Promise<WritableStream<Uint8Array>>;
  }>;
}

function saves(page: object): page is Saver {
  return "showSaveFilePicker" in page;
}

/**
 * Save a stream as a file. Where the browser lets a page write to the disk the person chooses the place first, and any size
 * is good; elsewhere the file is held in memory until it is whole. `got` hears how many bytes have come. Throws what `open`
 * throws, and a DOMException AbortError when the person chooses no place.
 */
export async function saveStream(
  name: string,
  open: () => Promise<ReadableStream<Uint8Array<ArrayBuffer>>>,
  got: (bytes: number) => void,
): Promise<void> {
  const place = saves(window) ? await window.showSaveFilePicker({ suggestedName: name }) : null;
  const counted = (await open()).pipeThrough(counter(got));
  if (place !== null) return counted.pipeTo(await place.createWritable());
  const url = URL.createObjectURL(await new Response(counted).blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

function counter(got: (bytes: number) => void): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let sum = 0;
  return new TransformStream({
    transform(chunk, controller) {
      sum += chunk.byteLength;
      got(sum);
      controller.enqueue(chunk);
    },
  });
}
