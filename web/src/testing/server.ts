import { vi } from "vitest";

/** What a page has asked for. */
export interface Asked {
  method: string;
  /** With its query. */
  path: string;
  headers: Headers;
  /** What the body's JSON says; null without a body. */
  body: unknown;
}

type Reply = (asked: Asked) => unknown;

/** A server at the border of the browser: it answers `fetch`, and tells events on the room's stream. */
export class Server {
  /** All requests but the stream's, in order. */
  readonly asked: Asked[] = [];
  readonly #replies = new Map<string, Reply>();
  #stream: ReadableStreamDefaultController<Uint8Array> | null = null;

  constructor() {
    vi.stubGlobal("fetch", async (input: Request | string, init?: RequestInit) => {
      const request = typeof input === "string" ? new Request(new URL(input, location.origin), init) : input;
      return heeding(request.signal, this.#answer(request));
    });
  }

  /** Answer `METHOD /path`, without its query, by JSON of what `reply` answers, or by a Response of its own. */
  on(request: string, reply: Reply): this {
    this.#replies.set(request, reply);
    return this;
  }

  /** The requests of that method and path. */
  of(request: string): Asked[] {
    return this.asked.filter(({ method, path }) => `${method} ${path.split("?")[0]}` === request);
  }

  /** Tell an event of the room. */
  tell(name: string, data: object): void {
    this.#stream?.enqueue(new TextEncoder().encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`));
  }

  async #answer(request: Request): Promise<Response> {
    const { method, headers } = request;
    const url = new URL(request.url);
    if (url.pathname === "/api/events") return this.#follow();
    const text = await request.text();
    const asked: Asked = { method, path: url.pathname + url.search, headers, body: text ? JSON.parse(text) : null };
    this.asked.push(asked);
    const reply = this.#replies.get(`${method} ${url.pathname}`);
    if (reply === undefined) return problem(404, { code: "not_found", detail: `no reply to ${method} ${url.pathname}` });
    const found = await reply(asked);
    if (found instanceof Response) return found;
    return found === undefined ? new Response(null, { status: 204 }) : Response.json(found);
  }

  #follow(): Response {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#stream = controller;
      },
    });
    this.tell("ready", {});
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  }
}

/** The response; it and its body break when the page gives the request up, as a browser's do. */
export async function heeding(signal: AbortSignal, answer: Promise<Response>): Promise<Response> {
  const gone = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const response = await Promise.race([answer, gone]);
  if (response.body === null) return response;
  return new Response(response.body.pipeThrough(new TransformStream(), { signal }), response);
}

/** An error as the API tells it. */
export function problem(status: number, said: object): Response {
  return Response.json({ status, title: "Refused", errors: [], ...said }, { status });
}
