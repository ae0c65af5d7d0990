"use strict";

/** The access token of whoever redeemed a link. It is kept nowhere but here. */
let accessToken = null;
let expiry;

/** Whom a redeemed token signs in for as long as the page is open, by its `kind`. */
const SIGNED_IN = {
  admin: () => "Signed in as admin",
  workspace: ({ workspaceId }) => `Signed in to workspace ${workspaceId}`,
};

/** What `#signin-error=` says. */
const REFUSALS = {
  unauthorized: "You are not signed in: the sign-in took too long, was used before, or was refused by whoever knows you. Try again.",
  forbidden: "You are not signed in: this account may not use this server.",
  timeout: "You are not signed in: whoever knows you did not answer in time. Try again.",
  unavailable: "You are not signed in: whoever knows you cannot be reached, or gave no answer that holds. Try again later.",
};

const byId = (id) => document.getElementById(id);
const show = (id, visible) => { byId(id).hidden = !visible; };

function notice(text, bad = false) {
  const element = byId("notice");
  element.textContent = text;
  element.classList.toggle("bad", bad);
  element.hidden = !text;
}

/** The reply's JSON; an Error with the problem's own words for anything but success. */
async function call(method, path, body, headers = {}) {
  const sent = { "Content-Type": "application/json", ...headers };
  if (accessToken) sent.Authorization = `Bearer ${accessToken}`;
  let reply;
  try {
    reply = await fetch(path, { method, headers: sent, body: JSON.stringify(body) });
  } catch {
    throw new Error("The server cannot be reached.");
  }
  const answer = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Error(answer.detail || answer.title || `The server answered ${reply.status}.`);
  return answer;
}

async function redeem(token) {
  notice("Signing in…");
  try {
    const answer = await call("POST", "api/auth/redeem", { token });
    notice("");
    show("signed-out", false);
    if (answer.kind === "key") showKey(answer);
    else if (answer.kind === "person") await remember(answer);
    else signIn(answer);
  } catch (error) {
    notice(error.message, true);
    show("signed-out", true);
  }
}

/** A key was handed over. It signs nobody in, and this is the only time that it is shown. */
function showKey({ key, workspaceId }) {
  byId("key-workspace").textContent = workspaceId;
  byId("key").textContent = key;
  show("handed-over", true);
}

/** A person's sign-in becomes this browser's. */
async function remember(answer) {
  accessToken = answer.accessToken;
  await call("POST", "api/auth/session");
  accessToken = null;
  await greet();
}

function signIn(answer) {
  accessToken = answer.accessToken;
  const expires = new Date(Date.now() + answer.expiresIn * 1000);
  byId("expires").dateTime = expires.toISOString();
  byId("expires").textContent = expires.toLocaleString();
  byId("who").textContent = SIGNED_IN[answer.kind](answer);
  byId("access-token").textContent = accessToken;
  clearTimeout(expiry);
  expiry = setTimeout(signOut, answer.expiresIn * 1000);
  show("create", answer.kind === "admin");
  show("signed-in", true);
  if (answer.kind === "admin") byId("name").focus();
}

/** Whom the session cookie signs in, if there is one, and else the ways to sign in. */
async function greet() {
  const reply = await fetch("api/auth/me").catch(() => null);
  if (reply?.ok) {
    const me = await reply.json();
    byId("person").textContent = me.name || me.role;
    byId("organisations").textContent = me.organisations.map(({ name, rank }) => `${name} (${rank})`).join(", ") || "none";
    show("welcome", true);
    return;
  }
  show("signed-out", true);
  const providers = await fetch("api/auth/providers").then((found) => found.json()).catch(() => ({ items: [] }));
  byId("providers").replaceChildren(...providers.items.map(({ title, url }) => {
    const link = document.createElement("a");
    link.href = url;
    link.textContent = `Sign in with ${title}`;
    return link;
  }));
}

async function join(event) {
  event.preventDefault();
  try {
    await call("POST", "api/orgs/invitations/accept", { token: byId("invitation").value.trim() });
    byId("invitation").value = "";
    notice("");
    await greet();
  } catch (error) {
    notice(error.message, true);
  }
}

async function leave() {
  try {
    const { endSessionUrl } = await call("POST", "api/logout");
    location.assign(endSessionUrl || location.pathname);
  } catch (error) {
    notice(error.message, true);
  }
}

function signOut() {
  accessToken = null;
  show("signed-in", false);
  show("signed-out", true);
  notice("Your sign-in has expired.", true);
}

async function createWorkspace(event) {
  event.preventDefault();
  const button = event.submitter || event.target.querySelector("button");
  const name = byId("name").value.trim();
  button.disabled = true;
  notice("Making the workspace…");
  try {
    const headers = { "Idempotency-Key": newKey(), Prefer: "wait=30" };
    const made = await call("POST", "api/workspaces", name ? { name } : {}, headers);
    byId("workspace-name").textContent = made.name;
    byId("workspace-id").textContent = made.workspaceId;
    byId("workspace-status").textContent = made.errorReason ? `${made.status}: ${made.errorReason}` : made.status;
    byId("workspace-secret").textContent = made.workspaceSecret;
    byId("curl").textContent = curlLines(made);
    show("workspace", true);
    byId("name").value = "";
    notice("");
  } catch (error) {
    notice(error.message, true);
  } finally {
    button.disabled = false;
  }
}

/** A random key. crypto.randomUUID is missing where the page is not served over HTTPS or from loopback. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function curlLines({ workspaceId, workspaceSecret }) {
  const base = location.origin;
  return [
    `TOKEN=$(curl -s ${base}/api/workspaces/login -H 'Content-Type: application/json' \\`,
    `  -d '{"workspaceId":"${workspaceId}","workspaceSecret":"${workspaceSecret}"}' \\`,
    `  | python3 -c 'import json,sys; print(json.load(sys.stdin)["workspaceToken"])')`,
    "",
    `curl -s ${base}/api/workspaces/${workspaceId}/sessions -H "Authorization: Bearer $TOKEN" \\`,
    `  -H 'Content-Type: application/json' -d '{"name":"first"}'`,
    "",
    `curl -s ${base}/api/workspaces/${workspaceId}/sessions -H "Authorization: Bearer $TOKEN"`,
  ].join("\n");
}

async function copy(event) {
  const button = event.target;
  const source = byId(button.dataset.copy);
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 1500);
  } catch {
    getSelection().selectAllChildren(source);
  }
}

/** What a link says: a token leaves the address bar and the history before anything else happens. */
function fromLink() {
  const said = new URLSearchParams(location.hash.slice(1));
  const token = said.get("redeem");
  const refusal = said.get("signin-error");
  if (token !== null || refusal !== null) history.replaceState(null, "", location.pathname);
  return { token, refusal };
}

function start() {
  const { token, refusal } = fromLink();
  byId("create").addEventListener("submit", createWorkspace);
  byId("redeem").addEventListener("submit", (event) => {
    event.preventDefault();
    redeem(byId("token").value.trim());
    byId("token").value = "";
  });
  byId("join").addEventListener("submit", join);
  byId("leave").addEventListener("click", leave);
  document.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", copy));
  addEventListener("hashchange", () => {
    const again = fromLink().token;
    if (again) redeem(again);
  });
  if (refusal) notice(REFUSALS[refusal] || "You are not signed in.", true);
  if (token) redeem(token);
  else greet();
}

start();
