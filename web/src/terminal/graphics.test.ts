import { afterEach, expect, test, vi } from "vitest";
import { hasGraphicsCard } from "./graphics";

const RENDERER = 0x1f01;
const UNMASKED_RENDERER_WEBGL = 0x9246;

/** A browser whose WebGL is drawn by `card`; one that masks names tells it only when it is asked for the plain name. */
function drawnBy(card: string, masked: boolean) {
  const loseContext = vi.fn();
  const extensions: Record<string, unknown> = { WEBGL_lose_context: { loseContext } };
  if (!masked) {
    extensions["WEBGL_debug_renderer_info"] = { UNMASKED_RENDERER_WEBGL };
  }
  const context = {
    RENDERER,
    getExtension: (name: string) => extensions[name] ?? null,
    getParameter: (name: number) => (name === UNMASKED_RENDERER_WEBGL || masked ? card : "WebKit WebGL"),
  };
  vi.stubGlobal("document", { createElement: () => ({ getContext: () => context }) });
  return loseContext;
}

afterEach(() => vi.unstubAllGlobals());

test.each([
  ["ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero) (0x0000C0DE)), SwiftShader driver)", false],
  ["llvmpipe (LLVM 15.0.6, 256 bits)", true],
  ["ANGLE (Microsoft, Microsoft Basic Render Driver Direct3D11 vs_5_0 ps_5_0)", false],
  ["Apple Software Renderer", false],
])("what %s draws is drawn by no card, and the probe gives its context back", (name, masked) => {
  const loseContext = drawnBy(name, masked);
  expect(hasGraphicsCard()).toBe(false);
  expect(loseContext).toHaveBeenCalledOnce();
});

test.each([
  ["ANGLE (Intel, Mesa Intel(R) UHD Graphics 620 (KBL GT2), OpenGL 4.6)", false],
  ["Apple GPU", true],
])("%s is a card", (name, masked) => {
  drawnBy(name, masked);
  expect(hasGraphicsCard()).toBe(true);
});

test("a browser without WebGL has none", () => {
  vi.stubGlobal("document", { createElement: () => ({ getContext: () => null }) });
  expect(hasGraphicsCard()).toBe(false);
});
