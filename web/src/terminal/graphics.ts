/** What computes WebGL without a card: of Chromium, of Mesa, of Windows, of macOS. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|basic render|software/i;

/**
 * Whether WebGL is drawn by a graphics card. Where the processor does it, each frame of a terminal takes it some 60 ms, and
 * elements take the output of a program six times as fast. The browser is asked for the name too: not each keeps to `failIfMajorPerformanceCaveat`.
 */
export function hasGraphicsCard(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  if (gl === null) {
    return false;
  }
  const names = gl.getExtension("WEBGL_debug_renderer_info");
  const name: unknown = gl.getParameter(names?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER);
  // A page may hold few contexts at a time.
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return !SOFTWARE.test(String(name));
}
